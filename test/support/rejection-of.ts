import { RejectedError, TransientError } from '../../shared/errors.ts';

/** The code that the promise is rejected with, `transient` for a `TransientError`; whatever else flies on. */
export async function codeOf(action: Promise<unknown>): Promise<string> {
  try {
    await action;
  } catch (error) {
    if (error instanceof RejectedError) return error.code;
    if (error instanceof TransientError) return 'transient';
    throw error;
  }
  return 'nothing was refused';
}

/** The same of what throws at once. */
export function codeThrownBy(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof RejectedError) return error.code;
    throw error;
  }
  return 'nothing was refused';
}

/** Everything that an async iterable gives. */
export async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
