// Which view the address names, and what surrounds every view.

const VIEWS = {
  "#/": overview,
  "#/findings": findingsView,
  "#/alerts": alertsView,
  "#/trust": trust,
};

const main = document.getElementById("view");
let settled = () => {};

function viewOf(hash) {
  if (hash in VIEWS) return VIEWS[hash]();
  const named = /^#\/worker\/([^/]+)$/.exec(hash);
  return (named && workerView(decoded(named[1]))) ?? unknown(named ? decoded(named[1]) : null);
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function unknown(id) {
  return {
    name: "unknown",
    title: "Not found",
    parts: [
      h("h1", {}, "There is no such view"),
      h("p", {}, id === null ? "This address names no view of this page." : `No worker is called “${id}” here.`, " ", h("a", { href: "#/" }, "Go to the overview"), "."),
    ],
  };
}

function show(moved) {
  const { hash } = location;
  // A part of the page, such as where the skip link leads, is no view: what is drawn stays.
  const part = hash.length > 1 && !hash.startsWith("#/") && document.getElementById(hash.slice(1)) !== null;
  if (part && moved) return;
  const address = part || hash.length < 2 ? "#/" : hash;
  forgetCharts();
  const view = viewOf(address);
  main.dataset.view = view.name;
  document.title = `${view.title} · ${DATA.project} · Loom`;
  main.replaceChildren(...view.parts.flat().filter((part) => part !== null));
  for (const link of document.querySelectorAll("nav a")) {
    const here = link.getAttribute("href") === address;
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  settled = view.settle ?? (() => {});
  settled();
  if (!moved) return;
  window.scrollTo(0, 0);
  const heading = main.querySelector("h1");
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/** How old the page is, as of now: the one thing on it that asks this machine's clock. */
function tellAge() {
  const age = Date.now() / 1000 - DATA.at;
  document.getElementById("age").textContent = age > 60 ? `, ${span(age)} ago` : "";
  document.getElementById("stale").hidden = age <= 3 * 3600;
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  const heading = main.querySelector("h1");
  heading.tabIndex = -1;
  heading.focus();
});
window.addEventListener("hashchange", () => show(true));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  forgetCharts();
  settled();
});
tellAge();
setInterval(tellAge, 60_000);
show(false);
