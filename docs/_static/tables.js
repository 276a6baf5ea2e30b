// Tables of five columns and more: each cell gets the name of its column, which fit.css shows on a phone.
document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll("table.docutils")) {
    const names = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent);
    if (names.length < 5) continue;
    for (const row of table.querySelectorAll("tbody tr"))
      [...row.cells].forEach((cell, column) => { cell.dataset.column = names[column]; });
    table.classList.add("labelled");
  }
});
