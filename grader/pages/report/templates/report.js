// Sorts and filters the table of teams. The page is complete without it.
"use strict";
(() => {
  const table = document.getElementById("teams-table");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = () => [...body.rows];
  const value = (row, column) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
  const order = new Intl.Collator("en", { numeric: true });

  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      // numbers are first wanted from the top, names from A
      const numeric = column > 0;
      const now = head.getAttribute("aria-sort");
      const down = now ? now === "ascending" : numeric;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const sign = down ? -1 : 1;
      body.append(...rows().sort((a, b) => sign * order.compare(value(a, column), value(b, column))));
    });
  });

  const controls = document.getElementById("filter");
  const [text, state, count] = ["filter-text", "filter-state", "filter-count"].map((id) => document.getElementById(id));
  const filter = () => {
    const wanted = text.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows()) {
      const fits = row.cells[0].textContent.toLowerCase().includes(wanted)
        && (!state.value || row.dataset.states.split("|").includes(state.value));
      row.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} of ${rows().length} teams`;
  };
  text.addEventListener("input", filter);
  state.addEventListener("change", filter);
  controls.hidden = false;
  filter();
})();
