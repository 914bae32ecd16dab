/**
 * What must become of each mutation, by message and field. The first row that fits counts; a mutation without a row, and
 * a field without a row, fail the test.
 *
 * - `must-refuse`: it may end the session, be refused, be tried again in vain, or end a run that is then undone; the
 *   honest effect must not come about.
 * - `harmless`: what was changed carries no authority; the honest effect must come about, bit for bit.
 * - `may-delay`: either, or another order that a control plane may give: nothing that nobody signed, in any case.
 */
export type ExpectationClass = 'must-refuse' | 'harmless' | 'may-delay';

export interface Expectation {
  /** `Deploy.runId`; of documents `root: signed.version`, where `root:` stands for all of it. */
  readonly field: string | RegExp;
  readonly carrier?: RegExp;
  readonly mutation?: RegExp;
  readonly class: ExpectationClass;
  readonly why: string;
}

export function row(
  [field, expected, why]: [string | RegExp, ExpectationClass, string],
  where: Pick<Expectation, 'carrier' | 'mutation'> = {},
): Expectation {
  return { field, class: expected, why, ...where };
}
