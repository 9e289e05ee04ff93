"use strict";
// Cells that are kept and checked as they are changed, blocks pasted from Excel, progress of runs.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const live = document.getElementById("live");
  const say = (words) => { live.textContent = words; };
  // Messages in the page's language, with {names} to be filled in.
  const messages = JSON.parse(document.body.dataset.messages);
  const filled = (key, values = {}) => messages[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

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
    const names = all("tbody tr:first-child td input", grid).map((input) => input.dataset.column);
    const byPlace = new Map();
    for (const input of all("td input", grid)) byPlace.set(`${input.dataset.row} ${input.dataset.column}`, input);
    const show = (problems) => {
      for (const cell of all("td.error, td.warning", grid)) {
        cell.classList.remove("error", "warning");
        const input = cell.querySelector("input");
        input.removeAttribute("title");
        input.removeAttribute("aria-invalid");
      }
      for (const problem of problems) {
        const column = names.find((_, at) => letters(at) === problem.column);
        const input = byPlace.get(`${problem.row} ${column}`);
        if (!input) continue;
        input.parentElement.classList.add(problem.severity);
        input.title = problem.message + (problem.suggestion ? filled("better", { text: problem.suggestion }) : "");
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
      if (!answer.ok) { say(filled("lost")); return; }
      for (const input of inputs) input.parentElement.classList.add("changed");
      const content = await answer.json();
      show(content.problems.filter((p) => p.sheet === sheet));
      say(filled("count", content));
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

  // ---------------------------------------------------------------- two sites make a link
  for (const map of all("svg.network")) {
    const ends = ["link-from", "link-to"].map((id) => document.getElementById(id));
    let next = 0;
    map.addEventListener("click", (event) => {
      const site = event.target.closest("[data-site]");
      if (!site) return;
      ends[next].value = site.dataset.site;
      site.classList.add("chosen");
      say(filled(next ? "to" : "from", { site: site.dataset.site }));
      next = 1 - next;
    });
  }

  // ---------------------------------------------------------------- a click in the framed plan
  for (const frame of all("iframe.whole")) {
    const run = frame.getAttribute("src").split("/")[2];
    window.addEventListener("message", (event) => {
      if (event.origin !== location.origin || event.source !== frame.contentWindow) return;
      const { site, member, cell, of } = event.data?.circflow ?? {};
      if (site) location.assign(`/sites?${new URLSearchParams({ run, site })}`);
      else if (member) location.assign(`/members/${encodeURIComponent(member)}`);
      else if (cell) {
        const [sheet, row, column] = cell;
        const place = new URLSearchParams({ row, column });
        location.assign(`/tables/${encodeURIComponent(sheet)}?${place}#r${row}`);
      } else if (of) {
        location.assign(`/flows?${new URLSearchParams({ run, of: of.join("\n") })}`);
      }
    });
  }

  for (const button of all("[data-print]")) button.addEventListener("click", () => print());

  // ---------------------------------------------------------------- sliders
  const post = async (path, content) => {
    const answer = await fetch(path, {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: content ? JSON.stringify(content) : null,
    });
    return answer.json();
  };
  const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });
  const figure = (value) => (value == null ? "–"
    : value.toLocaleString(document.documentElement.lang, { maximumSignificantDigits: 6 }));
  for (const box of all("[data-sliders]")) {
    const told = box.querySelector("[role=status]"), rows = box.querySelector(".rows");
    const hidden = box.querySelector("[name=values]"), moved = {};
    let busy = false, again = false, start = null;
    const tell = (answer) => {
      if (answer.objective == null) { told.textContent = `${answer.status}: ${answer.reason ?? answer.error ?? ""}`; return; }
      const change = answer.objective - start.objective;
      told.textContent = filled("plan", {
        worth: figure(answer.objective), change: `${change < 0 ? "−" : "+"}${figure(Math.abs(change))}`,
        used: figure(100 * answer.use_share), jobs: figure(answer.jobs),
      });
    };
    const move = async () => {
      if (busy) { again = true; return; }
      busy = true;
      do {
        again = false;
        tell(await post("/slide", { values: moved }));
      } while (again);
      busy = false;
    };
    box.querySelector("button").addEventListener("click", async (event) => {
      event.target.disabled = true;
      let answer;
      const query = new URLSearchParams({ variant: box.dataset.sliders });
      while (!(answer = await post(`/sliders?${query}`)).rows) {
        if (answer.error) { told.textContent = answer.error; event.target.disabled = false; return; }
        told.textContent = answer.words;
        await pause(400);
      }
      start = answer.start;
      tell(start);
      event.target.remove();
      answer.rows.forEach((row, n) => {
        const label = document.createElement("label"), words = document.createElement("span");
        const input = document.createElement("input"), value = document.createElement("output");
        input.type = "range";
        input.min = row.low;
        input.max = row.high;
        input.step = (row.high - row.low) / 100 || 1;
        input.value = row.own ?? (row.low + row.high) / 2;
        words.textContent = row.address;
        const unit = row.how === "factor" ? "×" : row.how === "add" ? "+" : "";
        value.textContent = `${unit}${figure(Number(input.value))}`;
        input.addEventListener("input", () => {
          moved[n] = Number(input.value);
          value.textContent = `${unit}${figure(moved[n])}`;
          hidden.value = JSON.stringify(moved);
          move();
        });
        label.append(words, input, value);
        rows.append(label);
      });
    });
  }

  // ---------------------------------------------------------------- a run that goes on
  for (const words of all("[data-events]")) {
    const events = new EventSource(words.dataset.events);
    events.addEventListener("message", (event) => { words.textContent = JSON.parse(event.data).words; });
    events.addEventListener("end", () => { events.close(); location.reload(); });
    addEventListener("beforeunload", () => events.close()); // its end does not call back who leaves
  }
})();
