/** One row of a judge's table: a sentence, what was seen, and what must come of it. */
import { expect } from 'chai';
import { canonicalText } from '../../../../shared/canonical-json.ts';
import type { CheckKind } from '../../../../shared/ledger/check-kind.ts';
import type { ProcessSeen } from '../../../../shared/ledger/kinds/process-seen.ts';
import { checkStatus, type Status } from '../../../../shared/ledger/status.ts';

export interface JudgeRow {
  readonly params: unknown;
  readonly seen: unknown;
  readonly status: Status;
  /** `what` of each expectation that is not met. */
  readonly unmet?: readonly string[];
  readonly findings?: readonly string[];
}

/** Judges each row from canonical JSON on, as a reader of a ledger does. */
export function judgesRows<P, O>(kind: CheckKind<P, O>, rows: Readonly<Record<string, JudgeRow>>, count: number): void {
  it(`has ${count} rows`, () => {
    expect(Object.keys(rows)).to.have.length(count);
  });
  for (const [sentence, row] of Object.entries(rows)) {
    it(sentence, () => {
      const { expectations, findings } = kind.judge(parseParams(kind, row.params), parseSeen(kind, row.seen));
      expect(expectations).not.to.have.length(0);
      expect(expectations.filter(({ met }) => !met).map(({ what }) => what)).to.deep.equal(row.unmet ?? []);
      expect(findings.map(({ code }) => code)).to.deep.equal(row.findings ?? []);
      expect(checkStatus({ came: 'to-its-end', expectations })).to.equal(row.status);
    });
  }
}

/** Refuses each of the parameters, and takes its own output in again unchanged. */
export function readsParams<P, O>(
  kind: CheckKind<P, O>,
  { good, bad, count }: { good: readonly unknown[]; bad: Readonly<Record<string, unknown>>; count: number },
): void {
  for (const params of good) {
    it(`reads ${JSON.stringify(params)}, and what it made of it again`, () => {
      const once = parseParams(kind, params);
      expect(parseParams(kind, once)).to.deep.equal(once);
    });
  }
  it(`has ${count} bad parameters`, () => {
    expect(Object.keys(bad)).to.have.length(count);
  });
  for (const [sentence, params] of Object.entries(bad)) {
    it(sentence, () => {
      expect(kind.params.safeParse(params).success).to.equal(false);
    });
  }
}

export function processSeen(changes: Partial<ProcessSeen> = {}): ProcessSeen {
  return {
    argv: ['python3', 'check.py'],
    ended: { by: 'exit', code: 0 },
    durationMs: 12,
    outputBytes: 34,
    limitsHit: [],
    sandbox: { kind: 'bubblewrap', detail: 'bubblewrap 0.8.0' },
    network: false,
    secrets: [],
    ...changes,
  };
}

export const A_DIGEST = 'a'.repeat(64);
export const B_DIGEST = 'b'.repeat(64);

function parseParams<P, O>(kind: CheckKind<P, O>, params: unknown): P {
  return kind.params.parse(JSON.parse(canonicalText(params)));
}

function parseSeen<P, O>(kind: CheckKind<P, O>, seen: unknown): O {
  return kind.observation.parse(JSON.parse(canonicalText(seen)));
}
