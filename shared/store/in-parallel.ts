/**
 * Calls `work` for each item, at most `width` at a time. After the first error no further item is begun; the error is
 * thrown once what had begun has ended, so that nothing goes on behind the caller's back.
 */
export async function forEachInParallel<T>(
  items: Iterable<T>,
  options: { width: number; signal?: AbortSignal | undefined },
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const lane = async (): Promise<void> => {
    for (let next = queue.next(); !next.done && failures.length === 0; next = queue.next()) {
      try {
        options.signal?.throwIfAborted();
        await work(next.value);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: options.width }, lane));
  if (failures.length > 0) throw failures[0];
}
