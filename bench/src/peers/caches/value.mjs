/**
 * What is cached: a product as a shop shows it, about 1 KB of JSON; equal for equal numbers.
 *
 * @typedef {ReturnType<typeof productOf>} Product
 *
 * @param {number} number
 * @param {number} [revision]
 */
export function productOf(number, revision = 1) {
  return {
    id: number,
    revision,
    sku: `SKU-${String(number).padStart(8, '0')}`,
    name: `Trail running shoe, model ${number}`,
    description:
      'A light shoe for rough ground: the sole grips on wet rock, the upper dries within an hour, and the heel counter holds the foot where the way is steep. Mended free of charge for two years.',
    price: { amount: 8_990 + (number % 5_000), currency: 'EUR', includesTax: true },
    stock: [38, 39, 40, 41, 42, 43, 44, 45].map((size) => ({ size, left: (number * size) % 17 })),
    categories: ['shoes', 'running', 'outdoor', 'new arrivals'],
    attributes: { colour: 'moss green', weightGrams: 268, dropMillimetres: 6, waterproof: false, vegan: true },
    images: [1, 2, 3].map((view) => `https://images.example.com/products/${number}/${view}.webp`),
    rating: { average: 4.4, count: 213 },
    updatedAt: '2026-11-02T08:15:30.000Z',
  };
}

/** Keys and numbers of products; the keys are this process's own, as contenders of one library would write into each other's. @param {number} count */
export function products(count) {
  return Array.from({ length: count }, (_, number) => ({ key: `product:${process.pid}:${number}`, number }));
}
