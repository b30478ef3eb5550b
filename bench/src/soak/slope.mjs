/** The slope of the least-squares line through the points, and the standard error of that slope. */
export function leastSquares(x, y) {
  const meanX = mean(x)
  const meanY = mean(y)
  const spread = sum(x.map((each) => (each - meanX) ** 2))
  const slope = sum(x.map((each, at) => (each - meanX) * (y[at] - meanY))) / spread
  const rest = sum(x.map((each, at) => (y[at] - meanY - slope * (each - meanX)) ** 2))
  return { slope, error: Math.sqrt(rest / Math.max(1, x.length - 2) / spread) }
}

function mean(values) {
  return sum(values) / values.length
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0)
}
