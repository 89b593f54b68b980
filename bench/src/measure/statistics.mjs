/** A median and what lies around it: the quartiles, and the extremes. */
/** @typedef {{ median: number, low: number, high: number, min: number, max: number, count: number }} Summary */

/**
 * The value below which the part `q` of all values lies, interpolated between neighbours.
 *
 * @param {readonly number[]} values at least one
 * @param {number} q 0 to 1
 */
export function quantile(values, q) {
  if (values.length === 0) throw new Error('a quantile needs at least one value');
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * q;
  const below = Math.floor(place);
  const [low = 0, high = low] = sorted.slice(below, below + 2);
  return low + (high - low) * (place - below);
}

/** @param {readonly number[]} values at least one */
export function median(values) {
  return quantile(values, 0.5);
}

/**
 * @param {readonly number[]} values at least one
 * @returns {Summary}
 */
export function summarize(values) {
  return {
    median: median(values),
    low: quantile(values, 0.25),
    high: quantile(values, 0.75),
    min: Math.min(...values),
    max: Math.max(...values),
    count: values.length,
  };
}

/**
 * Each value by the baseline's value of the same round. Neighbours in time share the machine's mood, so their ratio says
 * more than the ratio of two medians.
 *
 * @param {readonly number[]} values
 * @param {readonly number[]} baseline of the same rounds
 */
export function ratios(values, baseline) {
  if (values.length !== baseline.length) throw new Error('a ratio needs the same rounds on both sides');
  return values.map((value, i) => value / (baseline[i] ?? NaN));
}

/**
 * The slope of the line with the least squares.
 *
 * @param {readonly (readonly [x: number, y: number])[]} points at least two
 */
export function slope(points) {
  if (points.length < 2) throw new Error('a slope needs at least two points');
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const over = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const under = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return over / under;
}
