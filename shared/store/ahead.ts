/**
 * Works on up to `width` items at once and gives the results in their order. When the reader stops, or one fails, no
 * further item is taken, and what had begun is left to end unheard.
 */
export async function* ahead<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  width: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  for await (const item of items) {
    const result = work(item);
    result.catch(() => undefined); // heard when its turn comes; never, if an earlier one failed
    begun.push(result);
    const first = begun.length >= width ? begun.shift() : undefined;
    if (first) yield await first;
  }
  for (const result of begun) yield await result;
}
