"use strict";
// Cells that are kept and checked as they are changed, blocks pasted from Excel, progress of runs.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const live = document.getElementById("live");
  const say = (words) => { live.textContent = words; };

  // ---------------------------------------------------------------- a file dropped
  for (const box of all("[data-drop]")) {
    const input = box.querySelector("input[type=file]");
    box.addEventListener("dragover", (event) => { event.preventDefault(); box.classList.add("over"); });
    box.addEventListener("dragleave", () => box.classList.remove("over"));
    box.addEventListener("drop", (event) => {
      event.preventDefault();
      if (!event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      input.form.submit();
    });
  }

  // ---------------------------------------------------------------- cells
  const letters = (at) => {
    let text = "";
    for (let n = at + 1; n > 0; n = Math.floor((n - 1) / 26)) text = String.fromCharCode(65 + ((n - 1) % 26)) + text;
    return text;
  };
  for (const grid of all(".grid")) {
    const sheet = grid.dataset.sheet;
    const names = all("tbody tr:first-child input", grid).map((input) => input.dataset.column);
    const show = (problems) => {
      for (const cell of all("td.error, td.warning", grid)) {
        cell.classList.remove("error", "warning");
        const input = cell.querySelector("input");
        input.removeAttribute("title");
        input.removeAttribute("aria-invalid");
      }
      for (const problem of problems) {
        const column = names.find((_, at) => letters(at) === problem.letter);
        const input = all(`input[data-row="${problem.row}"]`, grid).find((i) => i.dataset.column === column);
        if (!input) continue;
        input.parentElement.classList.add(problem.severity);
        input.title = problem.text + (problem.suggestion ? ` (did you mean ${problem.suggestion}?)` : "");
        if (problem.severity === "error") input.setAttribute("aria-invalid", "true");
      }
    };
    const keep = async (inputs) => {
      const cells = inputs.map((input) => ({
        sheet, row: input.dataset.row, column: input.dataset.column, value: input.value,
      }));
      const answer = await fetch("/cells", {
        method: "POST", headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ cells }),
      });
      if (!answer.ok) return say("the change could not be kept");
      for (const input of inputs) input.parentElement.classList.add("changed");
      const content = await answer.json();
      show(content.problems.filter((p) => p.sheet === sheet));
      say(`${content.errors} errors, ${content.warnings} warnings`);
    };
    grid.addEventListener("change", (event) => keep([event.target]));
    grid.addEventListener("paste", (event) => {
      const text = event.clipboardData.getData("text/plain");
      if (!/[\t\n]/.test(text.trim())) return;
      event.preventDefault();
      const rows = text.replace(/\r/g, "").replace(/\n$/, "").split("\n").map((line) => line.split("\t"));
      const start = event.target.closest("td");
      const line = start.parentElement, lines = all("tbody tr", grid);
      const across = all("td", line).indexOf(start), down = lines.indexOf(line);
      const cells = [];
      const first = Number(event.target.dataset.row);
      rows.forEach((values, r) => values.forEach((value, c) => {
        const column = names[across + c];
        if (column === undefined) return;
        cells.push({ sheet, row: first + r, column, value });
        const input = all("td input", lines[down + r] ?? document.createElement("tr"))[across + c];
        if (input) input.value = value;
      }));
      fetch("/cells", {
        method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ cells }),
      }).then(() => location.reload());
    });
  }

  // ---------------------------------------------------------------- a run that goes on
  for (const words of all("[data-events]")) {
    const events = new EventSource(words.dataset.events);
    events.addEventListener("message", (event) => { words.textContent = JSON.parse(event.data).words; });
    events.addEventListener("end", () => { events.close(); location.reload(); });
  }
})();
