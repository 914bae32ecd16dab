/**
 * The algebra of statuses: pure, total, and the only place where a status, a gate or a verdict comes from (P6).
 *
 * 1. A check is PASS only if its evidence holds at least one expectation and each is met.
 * 2. A gate is the worst of its required checks; a gate without evidence is NOT_RUN.
 * 3. A verdict is A only if every gate is PASS; B only if what is missing is an accepted sub-gap.
 */

/** From best to worst; `worst` takes the later one. */
export const STATUSES = ['PASS', 'PARTIAL', 'NOT_RUN', 'UNKNOWN', 'BLOCKED', 'FAIL'] as const;
export type Status = (typeof STATUSES)[number];

export type Verdict = 'A' | 'B' | 'C' | 'D';

/** One thing that a check had to see, and what it saw. `met` is computed by the check kind's judge. */
export interface Expectation {
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
  readonly met: boolean;
}

/** What became of a check, as its evidence says it. */
export type Judgement =
  | { readonly came: 'to-its-end'; readonly expectations: readonly Expectation[] }
  | { readonly came: 'to-a-gap' }
  | { readonly came: 'to-a-block' }
  | { readonly came: 'to-nothing' }
  | { readonly came: 'not-run' };

export function checkStatus(judgement: Judgement | undefined): Status {
  if (judgement === undefined) return 'NOT_RUN';
  switch (judgement.came) {
    case 'to-its-end':
      return statusOfExpectations(judgement.expectations);
    case 'to-a-gap':
      return 'PARTIAL';
    case 'to-a-block':
      return 'BLOCKED';
    case 'to-nothing':
      return 'UNKNOWN';
    case 'not-run':
      return 'NOT_RUN';
  }
}

/** The worst of several; of none: NOT_RUN, because silence is never green. */
export function worst(statuses: readonly Status[]): Status {
  if (statuses.length === 0) return 'NOT_RUN';
  return STATUSES[Math.max(...statuses.map((status) => STATUSES.indexOf(status)))] ?? 'UNKNOWN';
}

export interface GateStatus {
  readonly gate: string;
  readonly status: Status;
  /** Every sub-gap of this gate is one that the policy accepts. */
  readonly gapsAccepted: boolean;
}

export function verdictOf(gates: readonly GateStatus[]): Verdict {
  const status = worst(gates.map((gate) => gate.status));
  if (status === 'PASS') return 'A';
  if (status === 'FAIL') return 'C';
  if (status !== 'PARTIAL') return 'D';
  return gates.every((gate) => gate.status === 'PASS' || gate.gapsAccepted) ? 'B' : 'D';
}

/** Exit codes of the command line, by verdict. */
export const VERDICT_EXIT_CODES: Readonly<Record<Verdict, number>> = { A: 0, B: 10, C: 20, D: 30 };

function statusOfExpectations(expectations: readonly Expectation[]): Status {
  if (expectations.length === 0) return 'UNKNOWN';
  return expectations.every((expectation) => expectation.met) ? 'PASS' : 'FAIL';
}
