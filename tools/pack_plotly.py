"""Pack plotly.js with the kinds of traces that pages draw, a quarter of the whole library.

    python tools/pack_plotly.py

Takes plotly.js (MIT) and esbuild by npm itself and writes circflow/report/page/assets/plotly.js.gz,
with the licences of all that it holds, which `circflow.report.page.frame.library` puts into pages.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import tempfile
from pathlib import Path

PACKAGES = ("plotly.js@4.1.1", "esbuild@0.28.2")
TRACES = ("bar", "sankey", "waterfall")
"""Besides `scatter`, which is always there."""
TARGET = Path(__file__).parents[1] / "circflow" / "report" / "page" / "assets" / "plotly.js.gz"
OPTIONS = (
    "--bundle", "--minify", "--format=iife", "--global-name=Plotly", "--define:global=window",
    "--legal-comments=none", "--log-level=error", "--metafile=parts.json", "--outfile=made.js",
)  # fmt: skip


def licence(package: Path) -> str:
    """What a package says of itself and of what may be done with it."""
    about = json.loads((package / "package.json").read_text("utf-8"))
    texts = [p.read_text("utf-8") for p in sorted(package.glob("[Ll][Ii][Cc][Ee][Nn]*"))]
    author = about.get("author")
    name = author["name"] if isinstance(author, dict) else author
    text = "\n".join(texts) or f"{about['license']} licence, {name}"
    return f"{about['name']} {about['version']}\n\n{text.replace('*/', '* /').strip()}\n"


def bundle(scratch: Path) -> str:
    """The library, made smaller, behind the licences."""
    install = ["npm", "install", "--prefix", str(scratch), "--silent", "--ignore-scripts"]
    subprocess.run([*install, *PACKAGES], check=True)
    register = ", ".join(f'require("plotly.js/lib/{name}")' for name in TRACES)
    (scratch / "entry.js").write_text(
        f'module.exports = require("plotly.js/lib/core");\nmodule.exports.register([{register}]);\n'
    )
    made_by = scratch / "node_modules" / ".bin" / "esbuild"
    subprocess.run([made_by, "entry.js", *OPTIONS], check=True, cwd=scratch)
    outputs = json.loads((scratch / "parts.json").read_text())["outputs"]
    inputs = outputs["made.js"]["inputs"]
    packages = set()
    for name, size in inputs.items():
        home, inside, file = name.rpartition("node_modules/")
        if inside and size["bytesInOutput"]:
            parts = file.split("/")[: 2 if file.startswith("@") else 1]
            packages.add(f"{home}{inside}{'/'.join(parts)}")
    licences = "\n".join(licence(scratch / package) for package in sorted(packages))
    return f"/*!\n{licences}*/\n{(scratch / 'made.js').read_text('utf-8')}"


def main() -> None:
    """Write the asset."""
    with tempfile.TemporaryDirectory() as scratch:
        code = bundle(Path(scratch))
    TARGET.write_bytes(gzip.compress(code.encode(), compresslevel=9, mtime=0))
    print(f"{TARGET.name}: {TARGET.stat().st_size // 1024} kB of {len(code) // 1024}")


if __name__ == "__main__":
    main()
