/**
 * Three significant digits, thousands in groups.
 *
 * @param {number} value
 */
export function digits(value) {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const places = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString('en-US', { minimumFractionDigits: places, maximumFractionDigits: places });
}

/**
 * A median with its quartiles.
 *
 * @param {{ median: number, low: number, high: number }} summary
 */
export function spread({ median, low, high }) {
  return `${digits(median)} (${digits(low)} to ${digits(high)})`;
}
