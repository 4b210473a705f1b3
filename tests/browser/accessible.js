// Rules of WCAG 2.2 A and AA that a program can decide, run inside of a page by accessible.py.
// Each function gives sentences; an empty list means that nothing was broken.
({
  /** Names, references, structure, sizes. */
  rules: () => {
  const bad = [];
  const seen = (e) => e.checkVisibility({ checkVisibilityCSS: true, checkOpacity: false });
  const what = (e) => `${e.tagName.toLowerCase()}${e.id ? '#' + e.id : ''}.${e.getAttribute('class') || ''}`;
  const modal = document.querySelector('dialog[open]');
  const all = [...(modal || document.body).querySelectorAll('*')];
  const focusable = 'a[href], button, input, select, textarea, summary, [tabindex]';

  if (!document.documentElement.lang) bad.push('the page has no language');
  if (!document.title) bad.push('the page has no title');
  if (document.querySelectorAll('main').length !== 1) bad.push('there is not one main landmark');
  const ids = new Map();
  for (const e of document.querySelectorAll('[id]')) {
    if (ids.has(e.id)) bad.push(`two elements are #${e.id}`);
    ids.set(e.id, e);
  }
  const levels = all.filter((e) => /^H[1-6]$/.test(e.tagName) && seen(e)).map((e) => Number(e.tagName[1]));
  levels.forEach((level, i) => {
    if (i && level > levels[i - 1] + 1) bad.push(`a heading of level ${level} follows level ${levels[i - 1]}`);
  });
  if (!modal && levels.filter((level) => level === 1).length !== 1) bad.push('there is not one h1');

  for (const e of all) {
    if (!seen(e)) continue;
    for (const name of ['aria-labelledby', 'aria-describedby', 'aria-controls', 'aria-activedescendant']) {
      for (const id of (e.getAttribute(name) || '').split(/\s+/).filter(Boolean)) {
        if (!ids.has(id)) bad.push(`${what(e)}: ${name} names #${id}, which is not there`);
      }
    }
    for (const name of ['aria-pressed', 'aria-selected', 'aria-expanded', 'aria-hidden']) {
      const value = e.getAttribute(name);
      if (value !== null && !['true', 'false'].includes(value)) bad.push(`${what(e)}: ${name}="${value}"`);
    }
    if (e.closest('[aria-hidden=true]') && e.matches(focusable) && e.tabIndex >= 0) {
      bad.push(`${what(e)} can have the focus and is hidden from whoever cannot see`);
    }
    if (e.matches('img') && !e.hasAttribute('alt')) bad.push(`${what(e)} has no alt`);
    if (e.matches('svg') && !e.closest('[aria-hidden=true]') && e.getAttribute('role') !== 'img') {
      bad.push(`${what(e)} is neither hidden nor an image with a name`);
    }
    if (e.matches('ol, ul') && [...e.children].some((c) => c.tagName !== 'LI')) bad.push(`${what(e)} holds more than li`);
    if (e.matches('li') && !e.parentElement.matches('ol, ul')) bad.push(`${what(e)} is in no list`);
    if (e.matches('button, a[href], [role=option]') && [...e.querySelectorAll(focusable)].length) {
      bad.push(`${what(e)} has another control inside`);
    }
    const style = getComputedStyle(e);
    const scrolls = /auto|scroll/.test(style.overflowY) && e.scrollHeight > e.clientHeight + 1;
    if (scrolls && !e.matches(focusable + ', body, html, textarea, dialog') && !e.querySelector(focusable)) {
      bad.push(`${what(e)} scrolls and no key reaches it`);
    }
    if (e.matches('button, select, input:not([type=checkbox], [type=range]), summary, nav a') && !e.closest('[hidden]')) {
      const { width, height } = e.getBoundingClientRect();
      if (width && height && (width < 24 || height < 23.5)) bad.push(`${what(e)} is ${width} by ${height}: too small to hit`);
    }
  }
  return bad; },

  /** 1.4.3: every text against what is painted behind it. */
  contrast: () => {
  const parse = (c) => c.match(/[\d.]+/g).map(Number);
  const lum = ([r, g, b]) => { const [x, y, z] = [r, g, b].map((v) => v / 255)
    .map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * x + .7152 * y + .0722 * z; };
  const behind = (e) => { for (; e; e = e.parentElement) {
    const style = getComputedStyle(e);
    if (style.backgroundImage !== 'none') return null;
    const c = parse(style.backgroundColor);
    if (c.length < 4 || c[3] > .7) return c; } return [22, 22, 22]; };
  const bad = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    const field = e.matches('input:not([type=range], [type=checkbox], [type=hidden]), select, textarea');
    if (!own && !field) continue;
    if (!e.checkVisibility({ checkVisibilityCSS: true }) || e.closest(':disabled, .skip, option, title')) continue;
    const back = behind(e);
    if (!back) continue;
    const style = getComputedStyle(e);
    const colours = [e.closest('svg') ? style.fill : style.color];
    if (e.placeholder) colours.push(getComputedStyle(e, '::placeholder').color);
    for (const colour of colours) {
      if (!/rgb/.test(colour)) continue;
      const [a, b] = [lum(parse(colour)), lum(back)].sort((x, y) => y - x);
      const ratio = (a + .05) / (b + .05);
      const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
      if (ratio < (large ? 3 : 4.5)) {
        bad.push(`${e.tagName} .${e.getAttribute('class')} "${(e.textContent || '').slice(0, 30)}": ${ratio.toFixed(2)}`);
      }
    }
  }
  return bad; },

  /** What has the focus, and whether that can be seen (2.4.7); null at the page's edge. */
  focused: () => {
      const e = document.activeElement;
      if (!e || e === document.body) return null;
      const style = getComputedStyle(e);
      const shown = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
      const row = e.matches('[role=listbox]') && e.querySelector('[aria-selected=true]');
      const inner = row && getComputedStyle(row).outlineStyle !== 'none';
      const { x, y } = e.getBoundingClientRect();
      return [`${e.tagName.toLowerCase()}${e.id ? '#' + e.id : ''} ${Math.round(x)},${Math.round(y)} `
        + (e.getAttribute('aria-label') || e.textContent).trim().slice(0, 20), shown || inner]; },
})
