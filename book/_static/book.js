/* Pages opened from a disk cannot fetch the texts that search results quote: titles are enough. */
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

document.addEventListener("DOMContentLoaded", glossaryTips);
addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  reachScrollable();
});
addEventListener("resize", reachScrollable);

/* A term's definition, on hover and on keyboard focus; Escape closes it. */
function glossaryTips() {
  const tip = document.createElement("div");
  tip.id = "definition";
  tip.className = "definition";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  document.body.append(tip);
  let term = null;
  let closing = 0;
  const hide = () => {
    term?.removeAttribute("aria-describedby");
    term = null;
    tip.hidden = true;
  };
  const place = () => {
    const box = term.getBoundingClientRect();
    const left = Math.min(box.left, innerWidth - tip.offsetWidth - 12);
    const below = box.bottom + tip.offsetHeight + 12 < innerHeight;
    tip.style.left = `${Math.max(12, left)}px`;
    tip.style.top = `${below ? box.bottom + 6 : box.top - tip.offsetHeight - 6}px`;
  };
  const show = (link) => {
    clearTimeout(closing);
    hide();
    term = link;
    tip.textContent = link.dataset.definition;
    tip.hidden = false;
    link.setAttribute("aria-describedby", tip.id);
    place();
  };
  const leave = () => { closing = setTimeout(hide, 150); };
  for (const link of document.querySelectorAll("a[data-definition]")) {
    for (const event of ["mouseenter", "focus"]) link.addEventListener(event, () => show(link));
    for (const event of ["mouseleave", "blur"]) link.addEventListener(event, leave);
  }
  tip.addEventListener("mouseenter", () => clearTimeout(closing));
  tip.addEventListener("mouseleave", leave);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  document.addEventListener("scroll", () => { if (term) place(); }, { passive: true });
}

/* Whatever scrolls sideways can be reached and moved with the keyboard. */
function reachScrollable() {
  const boxes = ".depin-frame, .text_html, .pst-scrollable-table-container, mjx-container, pre";
  for (const box of document.querySelectorAll(boxes)) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
}

/* A copied table has hyphens for its minus signs: few spreadsheets read "−3.2" as a number. */
document.addEventListener("copy", () => {
  const selected = getSelection();
  const swapped = [];
  for (const cell of document.querySelectorAll("table.dataframe :is(th, td)")) {
    const text = selected.containsNode(cell, true) ? cell.firstChild : null;
    for (const { index } of text?.data?.matchAll("−") ?? []) swapped.push([text, index]);
  }
  for (const [text, index] of swapped) text.replaceData(index, 1, "-");
  setTimeout(() => { for (const [text, index] of swapped) text.replaceData(index, 1, "−"); });
});

/* Print is light, whatever the screen shows. */
addEventListener("beforeprint", () => {
  const page = document.documentElement.dataset;
  page.screenTheme = page.theme;
  page.theme = "light";
  for (const box of document.querySelectorAll("details")) {
    if (!box.open && !box.closest(".depin-figure, .hide")) box.dataset.opened = box.open = true;
  }
});
addEventListener("afterprint", () => {
  const page = document.documentElement.dataset;
  page.theme = page.screenTheme;
  for (const box of document.querySelectorAll("details[data-opened]")) {
    box.open = false;
    delete box.dataset.opened;
  }
});
