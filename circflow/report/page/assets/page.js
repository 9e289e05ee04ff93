"use strict";
// Figures (drawn by plotly.js from the data in the page), sortable tables, CSV files.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const root = document.documentElement;
  const PAPER = 1000; // pixels of a figure on paper, made smaller by the style sheet
  let printing = false;

  // ---------------------------------------------------------------- figures
  const colour = (token) => {
    const [name, alpha] = token.slice(1).split("/");
    const hex = getComputedStyle(root).getPropertyValue("--c-" + name).trim();
    if (alpha === undefined || hex.length !== 7) return hex;
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    return `rgba(${r},${g},${b},${Number(alpha) / 100})`;
  };
  // Only what stands under a key that ends in "color" is a token: names of the scenario are not.
  const painted = (value, isColour = false) => {
    if (Array.isArray(value)) return value.map((item) => painted(item, isColour));
    if (value && typeof value === "object") {
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, painted(item, key.endsWith("color"))]),
      );
    }
    return isColour && typeof value === "string" && value.startsWith("$") ? colour(value) : value;
  };
  const base = () => ({
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    separators: root.dataset.separators,
    hoverlabel: { align: "left", bgcolor: colour("$paper"), bordercolor: colour("$line"),
                  font: { color: colour("$text"), size: 12 } },
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("$text") },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("$soft"), activecolor: colour("$text") },
    autosize: true,
  });
  const views = new Map();
  const shown = (figure) => all("input:checked", figure).map((input) => input.value).join("|");
  const tell = (figure) => {
    const words = all("input:checked", figure).map((input) => input.parentElement.textContent.trim());
    const line = figure.querySelector(".chosen");
    if (line) line.textContent = words.join(", ");
  };
  // ---------------------------------------------------------------- what a figure is made of
  // Framed by the app, which is of the same origin, a click asks it for what a figure is made of.
  const framed = window.parent !== window && location.protocol.startsWith("http");
  const open = (what) => {
    if (framed && what && Object.keys(what).length) {
      window.parent.postMessage({ circflow: what }, location.origin);
    }
  };
  const listen = (figure) => {
    const plot = figure.querySelector(".plot");
    if (!framed || plot.dataset.open) return;
    plot.dataset.open = "yes";
    const ask = (point) => {
      const data = views.get(figure);
      const view = data.views[shown(figure)] ?? Object.values(data.views)[0];
      const meta = view.data[point.curveNumber ?? 0]?.meta;
      if (!meta) return;
      if (Array.isArray(meta)) open(meta[point.pointNumber]);
      else open((point.source === undefined ? meta.nodes : meta.links)[point.pointNumber ?? point.index]);
    };
    plot.on("plotly_click", ({ points: [point] }) => ask(point));
    // The bars of a Sankey diagram can be dragged, so that plotly tells of no click on them.
    let under = null, pressed = null;
    plot.on("plotly_hover", ({ points: [point] }) => { under = point.sourceLinks ? point : null; });
    plot.on("plotly_unhover", () => { under = null; });
    plot.addEventListener("pointerdown", (event) => { pressed = [under, event.clientX, event.clientY]; }, true);
    window.addEventListener("pointerup", (event) => {
      const [point, x, y] = pressed ?? [];
      pressed = null;
      if (point && Math.hypot(event.clientX - x, event.clientY - y) < 4) ask(point);
    }, true);
  };
  const doors = () => {
    if (!framed) return;
    for (const row of all("tr[data-open]")) {
      const what = JSON.parse(row.dataset.open), cell = row.cells[0];
      if (!Object.keys(what).length) continue;
      const door = document.createElement("button");
      door.type = "button";
      door.className = "door";
      door.append(...cell.childNodes);
      door.addEventListener("click", () => open(what));
      cell.append(door);
    }
  };

  const draw = (figure) => {
    const plot = figure.querySelector(".plot");
    const data = views.get(figure);
    const spec = painted(data.views[shown(figure)] ?? Object.values(data.views)[0]);
    const layout = { ...base(), ...spec.layout };
    if (printing) Object.assign(layout, { width: PAPER, autosize: false });
    // Named one by one: the library's own set holds a button that sends figures to its makers.
    const zoom = spec.layout.dragmode === "pan";
    const config = {
      displaylogo: false, responsive: true, scrollZoom: false, topojsonURL: "", plotlyServerURL: "",
      modeBarButtons: [["toImage", ...(zoom ? ["zoomIn2d", "zoomOut2d", "resetScale2d"] : [])]],
    };
    tell(figure);
    if (!printing) return window.Plotly.react(plot, spec.data, layout, config);
    // Drawn afresh and still: paper does not wait for bands to move into place.
    window.Plotly.purge(plot);
    return window.Plotly.newPlot(plot, spec.data, layout, { staticPlot: true });
  };
  const unpack = async (text) => {
    const letters = atob(text), bytes = new Uint8Array(letters.length);
    for (let n = 0; n < bytes.length; n += 1) bytes[n] = letters.charCodeAt(n);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };
  const figures = async () => {
    const places = all("figure[data-figure]");
    const packed = document.getElementById("library");
    if (!places.length || !packed) return;
    try {
      const script = document.createElement("script");
      script.textContent = await unpack(packed.textContent.trim());
      document.head.append(script);
      for (const place of places) {
        views.set(place, read(place.dataset.figure));
        await draw(place);
        listen(place);
        all("input", place).forEach((input) => input.addEventListener("change", () => draw(place)));
      }
    } catch (error) {
      all(".plot").forEach((plot) => {
        plot.textContent = "The figure cannot be drawn: this needs a browser of 2023 or later.";
      });
      console.error(error);
    }
    const again = () => places.forEach(draw);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    window.addEventListener("beforeprint", () => {
      printing = true;
      root.dataset.theme = "light";
      again();
    });
    window.addEventListener("afterprint", () => {
      printing = false;
      delete root.dataset.theme;
      all(".plot").forEach((plot) => window.Plotly.purge(plot));
      again();
    });
  };

  // ---------------------------------------------------------------- tables
  const value = (cell) => {
    const raw = cell.dataset.v;
    return raw === undefined ? cell.textContent.trim() : raw === "" ? null : Number(raw);
  };
  const language = new Intl.Collator(undefined, { numeric: true });
  const order = (a, b) => {
    if (a === null || a === "") return b === null || b === "" ? 0 : 1;
    if (b === null || b === "") return -1;
    return typeof a === "number" ? a - b : language.compare(a, b);
  };
  const sort = (head) => {
    const table = head.closest("table");
    const [at, body] = [head.cellIndex, table.tBodies[0]];
    const text = !head.classList.contains("n");
    const up = head.ariaSort ? head.ariaSort === "descending" : text;
    all("th", table).forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const blank = (item) => item === null || item === "";
    const rows = [...body.rows].map((row) => [value(row.cells[at]), row]);
    rows.sort(([a], [b]) => (up || blank(a) || blank(b) ? order(a, b) : order(b, a)));
    const limit = Number(table.closest(".tablebox").dataset.shown);
    rows.forEach(([, row], n) => row.classList.toggle("more", n >= limit));
    body.append(...rows.map(([, row]) => row));
  };
  // Text that a spreadsheet would take for a formula gets an apostrophe in front.
  const csvCell = (cell) => {
    const raw = cell.dataset?.v;
    if (raw !== undefined) return raw;
    const text = (cell.dataset?.t ?? cell.innerText ?? cell.textContent).trim().replace(/\s+/g, " ");
    const safe = /^['=+\-@]/.test(text) ? "'" + text : text;
    return /[",;\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const csv = (table) =>
    [...table.rows].map((row) => [...row.cells].map(csvCell).join(",")).join("\r\n") + "\r\n";
  const save = (box) => {
    const blob = new Blob(["\ufeff" + csv(box.querySelector("table"))], { type: "text/csv" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = box.dataset.name + ".csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const tables = () => {
    document.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      const box = event.target.closest(".tablebox");
      if (!button || !box) return;
      if (button.closest("th")) sort(button.closest("th"));
      else if (button.dataset.do === "csv") save(box);
      else if (button.dataset.do === "all") {
        const short = box.classList.toggle("short");
        button.textContent = short ? button.dataset.more : button.dataset.fewer;
        button.setAttribute("aria-expanded", String(!short));
      }
    });
  };

  tables();
  doors();
  figures().then(() => { root.dataset.ready = "yes"; });
})();
