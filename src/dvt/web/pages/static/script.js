"use strict";
// Pages work without this script, but for what is live. It gets parts of pages that the server has rendered,
// and puts them where an attribute says:
//   data-dialog        on links and forms: the answer is shown in the dialog
//   data-swap="#id"    on forms: the part of this id in the answer replaces that of the page
//   data-load="#id"    on links: the answer's main part is put into this element
//   data-live="/url"   the part of this id is fetched again every data-every milliseconds, while it says so
//   data-preview="/url" on forms: what the form would do is shown while it is filled in, in its [data-effect]
//   data-simulate="/url" on forms: then what it would have done in the past, in its [data-simulation]
//   data-filter="#id"  on search fields: the rows of a table that have the text are shown

const parser = new DOMParser();
const dialog = document.getElementById("dialog");

async function get(url, options = {}) {
  const headers = { "X-Fragment": "1", ...(options.headers || {}) };
  const answer = await fetch(url, { ...options, headers, credentials: "same-origin" });
  if (answer.status === 401) location.assign("/login");
  return { answer, page: parser.parseFromString(await answer.text(), "text/html") };
}

function toast(text, isBad) {
  const box = document.createElement("div");
  box.className = isBad ? "toast bad" : "toast";
  const close = Object.assign(document.createElement("button"), { type: "button", className: "quiet small", textContent: "✕" });
  close.setAttribute("aria-label", "Close this message");
  close.onclick = () => box.remove();
  box.append(close, text);
  document.getElementById("toasts").append(box);
  if (!isBad) setTimeout(() => box.remove(), 8000);
}

// Puts new content into a part of the page; who is at work in it keeps the focus and what was typed.
function swap(target, fresh) {
  const focused = document.activeElement;
  const inside = target.contains(focused) && focused.id;
  const typed = inside && "value" in focused ? focused.value : null;
  const scrolled = [...target.querySelectorAll(".scroll")].map((part) => [part.scrollLeft, part.scrollTop]);
  target.replaceWith(fresh);
  [...fresh.querySelectorAll(".scroll")].forEach((part, at) => {
    if (scrolled[at]) [part.scrollLeft, part.scrollTop] = scrolled[at];
  });
  enhance(fresh);
  const again = inside && document.getElementById(focused.id);
  if (again) {
    again.focus({ preventScroll: true });
    if (typed !== null && again.type === "search") {
      again.value = typed;
      again.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }
}

function showDialog(page) {
  dialog.classList.toggle("narrow", Boolean(page.querySelector("[data-narrow]")));
  dialog.replaceChildren(...page.body.childNodes);
  const close = Object.assign(document.createElement("button"), { type: "button", className: "quiet close", textContent: "✕" });
  close.setAttribute("aria-label", "Close");
  close.onclick = () => dialog.close();
  dialog.append(close);
  const title = dialog.querySelector("h1");
  if (title) title.id = "dialog-title";
  enhance(dialog);
  if (!dialog.open) dialog.showModal();
  (dialog.querySelector("[autofocus]") || close).focus();
}

async function busy(element, work) {
  element?.setAttribute("aria-busy", "true");
  if (element && "disabled" in element) element.disabled = true;
  try {
    await work();
  } catch {
    toast("The server does not answer. Is it still running?", true);
  } finally {
    element?.removeAttribute("aria-busy");
    if (element && "disabled" in element) element.disabled = false;
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dialog], a[data-load]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  busy(link, async () => {
    const target = link.dataset.load && document.querySelector(link.dataset.load);
    if (target) target.innerHTML = '<p class="note busy"> </p>', (target.firstChild.textContent = " " + (link.dataset.busy || ""));
    const { page } = await get(link.getAttribute("href")); // of a link in a drawing, the property is no text
    if (target) {
      target.replaceChildren(...page.body.childNodes);
      enhance(target);
    } else showDialog(page);
  });
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form.dataset.swap || form.dataset.dialog !== undefined)) return;
  event.preventDefault();
  const button = event.submitter;
  busy(button, async () => {
    const fields = new FormData(form, button);
    // By attributes: a field may be called `action`, and would be what the property gives.
    const action = form.getAttribute("action"), isGet = form.getAttribute("method") === "get";
    const url = isGet ? action + "?" + new URLSearchParams(fields) : action;
    const { answer, page } = await get(url, isGet ? {} : { method: "POST", body: new URLSearchParams(fields) });
    const said = page.querySelector("[data-toast]");
    if (said) toast(said.textContent);
    if (answer.redirected && !form.dataset.swap) return location.assign(answer.url);
    if (form.dataset.dialog !== undefined) return showDialog(page);
    let swapped = false;
    for (const name of form.dataset.swap.split(" ")) {
      const fresh = page.querySelector(name), old = document.querySelector(name);
      if (fresh && old) swap(old, document.adoptNode(fresh)), (swapped = true);
    }
    if (isGet && swapped) history.replaceState(null, "", url);
    if (dialog.open && answer.ok && swapped) dialog.close();
    if (!swapped) showDialog(page);
  });
});

// What is live is asked for again; not while the page is out of sight, and not while a dialog is open.
const watched = new Map();
function watch(part) {
  const { live, every } = part.dataset;
  clearTimeout(watched.get(part.id));
  watched.set(part.id, setTimeout(async () => {
    const current = document.getElementById(part.id);
    if (!current?.dataset.live) return;
    if (!document.hidden && !(dialog.open && !dialog.contains(current))) {
      try {
        const { answer, page } = await get(live);
        const fresh = page.getElementById(part.id);
        if (answer.ok && fresh) {
          if (fresh.outerHTML !== current.dataset.last) {
            const text = fresh.outerHTML;
            swap(current, document.adoptNode(fresh));
            document.getElementById(part.id).dataset.last = text;
            return;
          }
        }
      } catch { /* the server is away: the next time */ }
    }
    watch(document.getElementById(part.id));
  }, Number(every) || 2000));
}

function sortable(table) {
  table.querySelectorAll("thead th").forEach((head, column) => {
    if (!head.textContent.trim() || head.querySelector("button, input")) return;
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: head.textContent });
    head.replaceChildren(button);
    button.onclick = () => {
      const down = head.getAttribute("aria-sort") === "descending" || (!head.hasAttribute("aria-sort") && !head.classList.contains("num"));
      table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "ascending" : "descending");
      const value = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
      const order = (a, b) => value(a).localeCompare(value(b), undefined, { numeric: true }) * (down ? 1 : -1);
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort(order));
    };
  });
}

function relative(seconds) {
  const size = Math.abs(seconds);
  if (size < 5) return "now";
  const [unit, name] = size >= 86400 ? [86400, "d"] : size >= 3600 ? [3600, "h"] : size >= 60 ? [60, "min"] : [1, "s"];
  const text = Math.floor(size / unit) + " " + name;
  return seconds < 0 ? "in " + text : text + " ago";
}

function clocks(root) {
  root.querySelectorAll("time[datetime]").forEach((time) => {
    const at = new Date(time.dateTime);
    time.title = at.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
    if ("ago" in time.dataset) time.textContent = relative((Date.now() - at) / 1000);
  });
}
setInterval(() => clocks(document), 15000);

// Simulating looks at all that is there, and at the record: it begins once the effect is told.
// One is asked for at a time; what is filled in meanwhile is simulated after it.
async function simulate(form) {
  const part = form.querySelector("[data-simulation]");
  if (!part || part.dataset.again !== undefined) return part && (part.dataset.again = "yes");
  do {
    part.dataset.again = "";
    await simulateOnce(form, part);
  } while (part.dataset.again && part.isConnected);
  delete part.dataset.again;
}

async function simulateOnce(form, part) {
  part.setAttribute("aria-busy", "true");
  if (!part.firstChild) part.append(Object.assign(document.createElement("p"), { className: "note", textContent: "Looking at what is there, and at the record…" }));
  const open = [...part.querySelectorAll("details")].map((of) => of.open);
  try {
    const { page } = await get(form.dataset.simulate, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    part.replaceChildren(...page.body.childNodes);
    part.querySelectorAll("details").forEach((of, at) => (of.open = Boolean(open[at])));
  } catch { part.textContent = "The server does not answer."; }
  part.removeAttribute("aria-busy");
}

function preview(form) {
  const effect = form.querySelector("[data-effect]");
  let timer, number = 0;
  const show = () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const mine = ++number;
      effect.setAttribute("aria-busy", "true");
      try {
        const { page } = await get(form.dataset.preview, { method: "POST", body: new URLSearchParams(new FormData(form)) });
        if (mine === number) effect.replaceChildren(...page.body.childNodes);
      } catch { effect.textContent = "The server does not answer."; }
      effect.removeAttribute("aria-busy");
      if (mine === number) simulate(form);
    }, 300);
  };
  form.addEventListener("input", show);
  show();
}

function selection(form) {
  const boxes = () => [...form.querySelectorAll("tbody input[type=checkbox]")];
  const all = form.querySelector("[data-all]"), count = form.querySelector("[data-count]");
  const tell = () => {
    const chosen = boxes().filter((box) => box.checked).length;
    if (all) (all.checked = chosen === boxes().length), (all.indeterminate = chosen > 0 && chosen < boxes().length);
    if (count) count.textContent = chosen ? chosen + " " + count.dataset.count : "";
  };
  if (all) all.onchange = () => (boxes().forEach((box) => (box.checked = all.checked)), tell());
  form.addEventListener("change", tell);
}

function lights(svg) {
  const show = (name, on) => svg.querySelectorAll(".edge").forEach((edge) => {
    if (edge.dataset.upper === name || edge.dataset.lower === name) edge.classList.toggle("lit", on);
  });
  svg.querySelectorAll("[data-node]").forEach((node) => {
    for (const name of ["mouseenter", "focus"]) node.addEventListener(name, () => show(node.dataset.node, true));
    for (const name of ["mouseleave", "blur"]) node.addEventListener(name, () => show(node.dataset.node, false));
  });
}

function enhance(root) {
  const every = (selector) => [...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector)];
  clocks(root);
  every("[data-live]").forEach(watch);
  every("table[data-sortable]").forEach(sortable);
  every("form[data-preview]").forEach(preview);
  every("form[data-selection]").forEach(selection);
  every(".graph svg").forEach(lights);
  every("[data-filter]").forEach((field) => {
    const rows = () => document.querySelectorAll(field.dataset.filter + " tbody tr");
    field.addEventListener("input", () => rows().forEach((row) => (row.hidden = !row.textContent.toLowerCase().includes(field.value.toLowerCase()))));
  });
}

document.querySelector("[data-theme-switch]")?.addEventListener("click", () => {
  const root = document.documentElement;
  const isDark = (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  root.dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
});
dialog?.addEventListener("click", (event) => event.target === dialog && dialog.close());
enhance(document);
