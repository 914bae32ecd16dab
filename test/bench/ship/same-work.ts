/** A pair counts only when both sides have done the same work. */

/** The benchmark would compare two different things; nothing that it says of this figure holds. */
export class WorkDiffers extends Error {}

/** Errors: `WorkDiffers`. */
export function assertSame(what: string, ours: unknown, theirs: unknown): void {
  const [a, b] = [JSON.stringify(ours), JSON.stringify(theirs)];
  if (a !== b)
    throw new WorkDiffers(`both sides must have done the same: ${what} is ${a} with keyturn, ${b} with the peer`);
}
