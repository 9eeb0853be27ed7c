// Refreshes the page in place.  Without it the page is complete, and says of which moment it is.
//
// The page is fetched anew and compared node by node with what is shown; only what differs is changed, so that scroll
// position, focus, selection and what somebody opened or closed stay as they are.  A page that is not refreshed any
// more says so, with the moment of which it is.
(() => {
  "use strict";
  const ANSWER_WITHIN = 20000;
  const SLOWEST = 12000;  // an exporter whose array hangs answers after ten seconds
  const READING = 300000;
  const LONGEST_PAUSE = 60000;
  const at = (id) => document.getElementById(id);
  const content = at("content");
  let { shown, epoch } = content.dataset;  // the moment of the page, by the server's clock
  let good = Date.now();                   // when it was fetched, by ours
  let failures = 0;
  let why = "";
  let timer = 0;
  let touched = Date.now();
  let busy = false;

  const pause = () => Math.min(Number(content.dataset.refresh) * 1000 * 2 ** Math.min(failures, 5), LONGEST_PAUSE);
  const write = (node, text) => { if (node.textContent !== text) node.textContent = text; };

  function ago(milliseconds) {
    const seconds = Math.max(0, Math.round(milliseconds / 1000));
    if (seconds < 60) return `${seconds} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
    return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
  }

  // --- How old is what is shown?  Asked every second, whatever else happens.

  function tell() {
    const age = Date.now() - good;
    // A clock that was put back does not make a page fresh.
    const late = failures > 0 || age < -1000 || age > 2 * Number(content.dataset.refresh) * 1000 + SLOWEST;
    document.body.classList.toggle("stale", late);
    write(at("fresh"), `As of ${shown}${late ? `, ${ago(age)} ago` : ""}.`);
    write(at("how"), late ? "Not refreshed." : `Refreshed every ${content.dataset.refresh} s.`);
    // Read out as it appears and once for each cause: the age in it is not part of the alert.
    write(at("trouble"), late ? `Not up to date: this page shows ${shown}. ${why || "It was not refreshed since"}.` : "");
  }

  // --- Making the page that is shown like the one that was fetched.

  const named = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.id : "");
  const alike = (one, other) => one.nodeName === other.nodeName && named(one) === named(other);

  function dress(old, fresh) {
    // What is open is the reader's choice.  A set that needs somebody opens; one that is well again closes, but never
    // under the eyes of somebody who reads.
    const [opened, opens] = [old, fresh].map((one) => one.hasAttribute("data-open"));
    const kept = old.nodeName === "DETAILS" && (opens === opened || (opened && Date.now() - touched < READING));
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !(kept && name === "open")) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value && !(kept && name === "open")) old.setAttribute(name, value);
    }
  }

  function match(next, child, parent) {
    if (next && alike(next, child)) return next;
    // Only what has a name may come from elsewhere, such as a set that is well again; the rest is where it is.
    const found = named(child) && at(child.id);
    return found && content.contains(found) && found.nodeName === child.nodeName && !found.contains(parent) ? found : null;
  }

  function move(parent, node, before) {
    // moveBefore keeps focus and scroll position where the browser knows it.
    if (parent.moveBefore) parent.moveBefore(node, before);
    else parent.insertBefore(node, before);
  }

  function become(old, fresh) {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    dress(old, fresh);
    let next = old.firstChild;
    for (const child of [...fresh.childNodes]) {
      let same = match(next, child, old);
      // A new element is filled like an old one: what it holds may have stood elsewhere.
      if (!same) same = old.insertBefore(document.importNode(child), next);
      else if (same === next) next = next.nextSibling;
      else move(old, same, next);
      become(same, child);
    }
    while (next) {
      const gone = next;
      next = next.nextSibling;
      gone.remove();
    }
  }

  function keeping(change) {
    const focused = document.activeElement;
    const chosen = document.getSelection();
    const { anchorNode, anchorOffset, focusNode, focusOffset, isCollapsed } = chosen;
    change();
    if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
    if (!isCollapsed && anchorNode && focusNode && anchorNode.isConnected && focusNode.isConnected) {
      const within = (node, offset) => Math.min(offset, node.nodeType === Node.TEXT_NODE ? node.length : node.childNodes.length);
      chosen.setBaseAndExtent(anchorNode, within(anchorNode, anchorOffset), focusNode, within(focusNode, focusOffset));
    }
  }

  const statuses = () => new Map([...content.querySelectorAll("[data-set]")].map((one) => [one.dataset.set, one.dataset.status]));

  function announce(before) {
    const said = [];
    for (const [name, status] of statuses()) {
      if (before.has(name) && before.get(name) !== status) said.push(`${name}: ${before.get(name)}, now ${status}.`);
    }
    if (said.length) write(at("changes"), said.slice(0, 5).join(" ") + (said.length > 5 ? ` And ${said.length - 5} more.` : ""));
  }

  function take(text) {
    const fetched = new DOMParser().parseFromString(text, "text/html");
    const fresh = fetched.getElementById("content");
    if (!fresh || !fresh.dataset.build) throw new Error("what came is not this page");
    // Another release: its style and its script are needed too.
    if (fresh.dataset.build !== content.dataset.build) return location.reload();
    const before = statuses();
    keeping(() => become(content, fresh));
    document.title = fetched.title;
    const [icon, wanted] = [document, fetched].map((one) => one.querySelector("link[rel=icon]"));
    if (icon && wanted && icon.getAttribute("href") !== wanted.getAttribute("href")) icon.setAttribute("href", wanted.getAttribute("href"));
    // A copy that a cache in between kept is no news.
    if (fresh.dataset.epoch !== epoch) good = Date.now();
    ({ shown, epoch } = fresh.dataset);
    return announce(before);
  }

  // --- When.

  async function refresh() {
    clearTimeout(timer);
    if (busy || document.hidden) return;
    busy = true;
    const patience = new AbortController();
    const limit = setTimeout(() => patience.abort(), ANSWER_WITHIN);
    try {
      const answer = await fetch(location.pathname, { cache: "no-store", credentials: "same-origin", signal: patience.signal });
      if (!answer.ok) throw new Error(`the exporter answered ${answer.status}`);
      take(await answer.text());
      [failures, why] = [0, ""];
    } catch (error) {
      failures += 1;
      why = patience.signal.aborted ? "The exporter does not answer" : error instanceof TypeError ? "The exporter cannot be reached" : `It cannot be refreshed: ${error.message}`;
    } finally {
      clearTimeout(limit);
      busy = false;
      tell();
      timer = setTimeout(refresh, pause());
    }
  }

  // Nobody looks at a hidden page: it asks again the moment it is seen.
  const seen = () => { if (!document.hidden) { tell(); refresh(); } };
  document.addEventListener("visibilitychange", seen);
  window.addEventListener("pageshow", (event) => { if (event.persisted) seen(); });
  window.addEventListener("online", seen);
  for (const kind of ["pointerdown", "keydown", "wheel"]) window.addEventListener(kind, () => { touched = Date.now(); }, { passive: true });
  // A link to a set opens it.
  const open = () => { const aim = at(decodeURIComponent(location.hash.slice(1))); for (let one = aim; one; one = one.parentElement) if (one.nodeName === "DETAILS") one.open = true; };
  window.addEventListener("hashchange", open);
  open();
  setInterval(tell, 1000);
  tell();
  timer = setTimeout(refresh, pause());
})();
