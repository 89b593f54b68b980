import { digits } from './format.mjs';

const WIDTH = 860;
const LABEL_WIDTH = 190;
const VALUE_WIDTH = 110;
const BAR_HEIGHT = 16;
const GAP = 6;
const COLOURS = { ours: '#2563eb', other: '#94a3b8', text: '#1e293b', faint: '#64748b', mark: '#dc2626' };

/**
 * One drawing of all panels: a bar for each contender, a whisker for the quartiles, a line for what is to be reached.
 *
 * @param {readonly import('../scenarios/scenario.mjs').Panel[]} panels
 * @param {string} title
 */
export function drawChart(panels, title) {
  let y = 40;
  const parts = [];
  for (const panel of panels) {
    parts.push(...drawPanel(panel, y));
    y += 34 + panel.bars.length * (BAR_HEIGHT + GAP) + 18;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${WIDTH}" height="${y}" fill="#ffffff"/>`,
    text(16, 24, title, { size: 16, weight: 600 }),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

/**
 * @param {import('../scenarios/scenario.mjs').Panel} panel
 * @param {number} top
 */
function drawPanel({ title, unit, bars, mark, isLog = false }, top) {
  const values = [...bars.flatMap(({ value, high }) => [value, high]), ...(mark ? [mark.value] : [])];
  const largest = Math.max(...values.filter(Number.isFinite), Number.MIN_VALUE);
  const smallest = isLog ? Math.min(...values.filter((value) => value > 0)) / 2 : 0;
  const room = WIDTH - LABEL_WIDTH - VALUE_WIDTH - 16;
  const x = (/** @type {number} */ value) => {
    const part = isLog
      ? Math.log(Math.max(value, smallest) / smallest) / Math.log(largest / smallest)
      : Math.max(0, value) / largest;
    return Math.round((LABEL_WIDTH + part * room) * 10) / 10;
  };
  const parts = [text(16, top + 18, `${title} (${unit}${isLog ? ', logarithmic' : ''})`, { size: 13, weight: 600 })];
  const first = top + 30;
  bars.forEach(({ label, value, low, high, isOurs }, i) => {
    const y = first + i * (BAR_HEIGHT + GAP);
    const middle = y + BAR_HEIGHT / 2;
    const width = Math.max(1, x(value) - LABEL_WIDTH);
    parts.push(
      text(LABEL_WIDTH - 8, middle + 4, label, { anchor: 'end', weight: isOurs ? 600 : 400 }),
      `<rect x="${LABEL_WIDTH}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" fill="${isOurs ? COLOURS.ours : COLOURS.other}"/>`,
      `<path d="M${x(low)} ${middle}H${x(high)}" stroke="${COLOURS.text}" stroke-width="1.5"/>`,
      text(Math.max(x(value), x(high)) + 8, middle + 4, digits(value), { fill: COLOURS.faint }),
    );
  });
  if (mark) {
    const bottom = first + bars.length * (BAR_HEIGHT + GAP);
    parts.push(
      `<path d="M${x(mark.value)} ${first - 4}V${bottom}" stroke="${COLOURS.mark}" stroke-dasharray="4 3"/>`,
      text(x(mark.value), bottom + 10, mark.label, { fill: COLOURS.mark, anchor: 'middle', size: 11 }),
    );
  }
  return parts;
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} content
 * @param {{ size?: number, weight?: number, anchor?: string, fill?: string }} [style]
 */
function text(x, y, content, { size = 12, weight = 400, anchor = 'start', fill = COLOURS.text } = {}) {
  return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}" fill="${fill}">${escape(content)}</text>`;
}

/** @param {string} content */
function escape(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
