import { expect } from 'chai';
import { evidenceSchema, failureCapsuleSchema } from '../../../shared/ledger/evidence.ts';
import { LIMITS } from '../../../shared/limits.ts';

const evidence = {
  check: 'unit',
  gate: 'G5',
  kind: 'exec',
  startedAt: '2026-05-21T09:00:00.000Z',
  durationMs: 12,
  result: { did: 'observe', observation: {} },
};
const capsule = {
  argv: ['python3'],
  ended: 'exit 1',
  lastOutput: '',
  outputBytes: 0,
  limitsHit: [],
  environmentDigest: 'a'.repeat(64),
  sandbox: 'bubblewrap',
};

describe('shared/ledger/evidence', () => {
  const REFUSED: Readonly<Record<string, object>> = {
    'a result of an unknown kind': { result: { did: 'pass' } },
    'a gap without an owner': { result: { did: 'leave-a-gap', statement: 's', route: 'r' } },
    'a gap without a route': { result: { did: 'leave-a-gap', statement: 's', owner: 'o' } },
    'a block that does not say what it needs': { result: { did: 'block', reason: 'r' } },
    'a duration below zero': { durationMs: -1 },
    'a duration with a fraction': { durationMs: 1.5 },
    'an instant in local time': { startedAt: '2026-05-21T09:00:00.000+02:00' },
    'a capsule with more output than may be kept': {
      capsule: { ...capsule, lastOutput: 'x'.repeat(LIMITS.evidenceOutputBytes + 1) },
    },
    'a capsule without the digest of its environment': { capsule: { ...capsule, environmentDigest: '' } },
    'a field that this version does not know': { colour: 'green' },
  };
  for (const [title, change] of Object.entries(REFUSED)) {
    it(`refuses ${title}`, () => expect(evidenceSchema.safeParse({ ...evidence, ...change }).success).to.equal(false));
  }

  it('takes evidence with and without a capsule', () => {
    expect(evidenceSchema.parse(evidence)).to.deep.equal(evidence);
    expect(evidenceSchema.parse({ ...evidence, capsule })).to.deep.equal({ ...evidence, capsule });
    expect(failureCapsuleSchema.safeParse(capsule).success).to.equal(true);
    expect(Object.keys(REFUSED).length).to.be.at.least(10);
  });
});
