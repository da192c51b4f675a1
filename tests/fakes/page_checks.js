// What anybody who cannot see, point or guess needs of a page, looked for in the page itself.
() => {
  const troubles = [];
  const shown = node => node.checkVisibility({visibilityProperty: true, contentVisibilityAuto: true});
  const all = wanted => [...document.querySelectorAll(wanted)].filter(shown);
  const nameOf = node => (node.getAttribute("aria-label")
    || (node.getAttribute("aria-labelledby") || "").split(" ").map(id => document.getElementById(id)?.textContent).join(" ").trim()
    || [...(node.labels ?? [])].map(one => one.textContent).join(" ").trim() || node.textContent.trim());

  for (const node of all("button, input, a[href], summary, select, textarea, [tabindex='0'], [role=img], dialog")) {
    if (!nameOf(node)) troubles.push(`no name: ${node.outerHTML.slice(0, 120)}`);
  }
  for (const node of all("button, summary, input")) {
    const {width, height} = node.getBoundingClientRect();
    if (width < 24 && height < 24 && node.type !== "checkbox") troubles.push(`too small to touch: ${nameOf(node)}`);
  }
  let level = 0;
  for (const node of all("h1, h2, h3, h4")) {
    const next = Number(node.tagName[1]);
    if (next > level + 1) troubles.push(`heading ${node.textContent} skips a level`);
    level = next;
  }
  if (all("h1").length !== 1) troubles.push("not one h1");
  for (const wanted of ["header", "main", "footer"]) {
    if (all(`body > ${wanted}`).length !== 1) troubles.push(`not one ${wanted}`);
  }
  for (const table of all("table")) {
    if (!table.caption?.textContent) troubles.push("a table has no caption");
    if ([...table.querySelectorAll("th")].some(one => !one.scope)) troubles.push("a th has no scope");
  }
  const ids = [...document.querySelectorAll("[id]")].map(one => one.id);
  if (new Set(ids).size !== ids.length) troubles.push("an id is there twice");
  if (!document.documentElement.lang) troubles.push("no language");
  for (const [role, live] of [["status", "polite"], ["alert", "assertive"]]) {
    if (!document.querySelector(`[role=${role}][aria-live=${live}]`)) troubles.push(`nothing tells ${role}`);
  }

  // Contrast of every text against what lies below it (WCAG 2.2, 1.4.3).
  const parsed = text => text.match(/[\d.]+/g).map(Number);
  const luminance = rgb => rgb.slice(0, 3).map(one => one / 255)
    .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, place) => sum + one * [0.2126, 0.7152, 0.0722][place], 0);
  function groundOf(node) {
    for (let one = node; one; one = one.parentElement) {
      const colour = parsed(getComputedStyle(one).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  }
  let looked = 0;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !shown(node) || node.closest(".unseen, .skip, :disabled, title, desc")) continue;
    const style = getComputedStyle(node);
    const ink = parsed(node instanceof SVGElement ? style.fill : style.color);
    const [high, low] = [luminance(ink), luminance(groundOf(node))].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    looked += 1;
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < (large ? 3 : 4.5)) troubles.push(`contrast ${ratio.toFixed(2)}: ${walk.currentNode.textContent.trim().slice(0, 40)}`);
  }
  if (looked < 20) troubles.push(`only ${looked} texts were looked at`);
  if (document.documentElement.scrollWidth > innerWidth) {
    troubles.push(`${document.documentElement.scrollWidth} px wide on ${innerWidth} px`);
  }
  return [...new Set(troubles)];
}
