import { RejectedError } from '../../shared/errors.ts';

/** What the promise rejects with; undefined when it does not. */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The code of the `RejectedError` that `work` ends with; undefined when it ends well. Throws whatever else it throws. */
export async function codeOf(work: () => unknown): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof RejectedError) return error.code;
    throw error;
  }
}
