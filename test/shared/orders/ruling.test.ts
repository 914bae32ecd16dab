/** What people decide about a run counts for that run, on that host, as it was when they looked, and only if they are enough. */
import { expect } from 'chai';
import { encodeCanonical } from '../../../shared/canonical-json.ts';
import { sha256 } from '../../../shared/digest.ts';
import type { LoggedEnvelope } from '../../../shared/orders/in-log.ts';
import {
  admitRuling,
  encodeRuling,
  previewRuling,
  type Ruling,
  type RulingFacts,
} from '../../../shared/orders/ruling.ts';
import { encodeLogRecord } from '../../../shared/transparency/log-record.ts';
import type { SigningKey } from '../../../shared/trust/keys.ts';
import {
  ANNAS_OTHER_KEY,
  EPOCH,
  HOST,
  honestOffer,
  MINUTE_MS,
  NOW_MS,
  OTHER_LOG,
  PEOPLE,
  policyOf,
  QUORUM,
  RELEASE_KEY,
  STANDING,
  STRANGER,
  sign,
  TestLog,
} from '../../support/enable-world.ts';
import { codeThrownBy } from '../../support/rejection-of.ts';

const PROCEED: Ruling = {
  host: HOST,
  run: STANDING.run,
  head: STANDING.head,
  check: 'live-dryrun',
  decision: 'proceed',
  stopGate: 'SG1',
  expiresMs: undefined,
  issuedAtMs: NOW_MS,
  reason: 'the numbers are right',
};
const WAIVE: Ruling = {
  ...PROCEED,
  decision: 'waive',
  stopGate: undefined,
  expiresMs: NOW_MS + 60 * MINUTE_MS,
};
/** For stop gates one of security is enough; for anything else the quorum is. */
const POLICY = policyOf({ rulings: [{ team: 'security', count: 1 }] });

function offered(
  ruling: Ruling,
  keys: readonly SigningKey[] = QUORUM,
  { log = new TestLog(), kind = 'ruling' }: { log?: TestLog; kind?: 'ruling' | 'enable' } = {},
): LoggedEnvelope {
  return logged(sign(encodeRuling(ruling), keys), { log, kind });
}

function logged(
  envelope: Buffer,
  { log = new TestLog(), kind = 'ruling' }: { log?: TestLog; kind?: 'ruling' | 'enable' } = {},
): LoggedEnvelope {
  const seen = log.size;
  const index = log.append(encodeLogRecord(kind, envelope));
  return { envelope, logProof: log.proof(index), consistency: log.consistency(seen) };
}

function facts(change: Partial<RulingFacts> = {}): RulingFacts {
  return {
    host: HOST,
    labels: { env: 'prod' },
    policy: POLICY,
    run: STANDING.run,
    head: STANDING.head,
    releasers: STANDING.releasers,
    seen: () => new TestLog().checkpoint(),
    ...change,
  };
}

describe('shared/orders/ruling', () => {
  for (const ruling of [PROCEED, WAIVE, { ...PROCEED, decision: 'stop' } as const]) {
    it(`to ${ruling.decision} is read as it was written, before it is signed and after`, () => {
      expect(previewRuling(encodeRuling(ruling))).to.deep.equal(ruling);
      expect(admitRuling(offered(ruling), facts()).ruling).to.deep.equal(ruling);
    });
  }

  it('says who counted', () => {
    expect(admitRuling(offered(PROCEED), facts()).by).to.deep.equal([
      'anna (operations)',
      'bela (operations)',
      'carl (security)',
    ]);
  });

  it('at a stop gate takes those whom the rule names for it', () => {
    expect(admitRuling(offered(PROCEED, [PEOPLE.carl.key]), facts()).by).to.deep.equal(['carl (security)']);
  });

  it('at a stop gate takes the quorum where the rule names nobody for it', () => {
    const code = codeThrownBy(() => admitRuling(offered(PROCEED, [PEOPLE.carl.key]), facts({ policy: policyOf() })));
    expect(code).to.equal('quorum-not-met');
  });

  const malformed: Readonly<Record<string, Partial<Ruling>>> = {
    'a waiver without an end': { decision: 'waive', stopGate: undefined },
    'a waiver at a stop gate': { decision: 'waive', expiresMs: NOW_MS },
    'a ruling without a stop gate': { stopGate: undefined },
    'a ruling with an end': { expiresMs: NOW_MS },
    'one without a reason': { reason: '' },
    'a stop gate in small letters': { stopGate: 'sg1' },
  };
  for (const [title, change] of Object.entries(malformed)) {
    it(`cannot be ${title}`, () => {
      expect(() => encodeRuling({ ...PROCEED, ...change })).to.throw();
    });
  }

  const refused: Readonly<Record<string, readonly [() => unknown, string]>> = {
    'that a stranger signed': [() => admitRuling(offered(PROCEED, [STRANGER]), facts()), 'signature-threshold-not-met'],
    'that a releaser signed as one of the quorum of a waiver': [
      () =>
        admitRuling(
          offered(WAIVE),
          facts({ releasers: new Set([...STANDING.releasers, ...identitiesOf([PEOPLE.anna.key])]) }),
        ),
      'quorum-not-met',
    ],
    'that one person signed with two keys': [
      () => admitRuling(offered(WAIVE, [PEOPLE.anna.key, ANNAS_OTHER_KEY, PEOPLE.carl.key]), facts()),
      'quorum-not-met',
    ],
    'for another host': [() => admitRuling(offered({ ...PROCEED, host: 'other' }), facts()), 'order-for-another-host'],
    'about another run': [
      () => admitRuling(offered({ ...PROCEED, run: '01JD0000000000000000000009' }), facts()),
      'ruling-of-another-run',
    ],
    'about what was there before': [
      () => admitRuling(offered(PROCEED), facts({ head: sha256('what the ledger is by now') })),
      'evidence-differs',
    ],
    'on a host without a rule': [() => admitRuling(offered(PROCEED), facts({ labels: {} })), 'no-rule-for-host'],
    'that is in the log as something else': [
      () => admitRuling(offered(PROCEED, QUORUM, { kind: 'enable' }), facts()),
      'not-in-log',
    ],
    'that is in another log': [
      () => admitRuling(offered(PROCEED, QUORUM, { log: new TestLog(OTHER_LOG) }), facts()),
      'note-unsigned',
    ],
    'that is an enable order': [
      () => admitRuling(logged(Buffer.from(honestOffer().envelope)), facts()),
      'predicate-type-mismatch',
    ],
    'with a member that is not known': [
      () => admitRuling(logged(sign(withMember(encodeRuling(PROCEED)))), facts()),
      'ruling-malformed',
    ],
  };
  for (const [title, [act, code]] of Object.entries(refused)) {
    it(`is refused when it is one ${title}`, () => {
      expect(codeThrownBy(act)).to.equal(code);
    });
  }
});

function withMember(payload: Buffer): Buffer {
  const statement = JSON.parse(payload.toString());
  Object.assign(statement.predicate, { more: EPOCH });
  return encodeCanonical(statement);
}

function identitiesOf(keys: readonly SigningKey[]): string[] {
  const approvers = POLICY.approvers.filter(({ keyId }) => keys.some((key) => key.keyId === keyId));
  return approvers.map(({ publicKey }) => publicHex(publicKey));
}

function publicHex(pem: string): string {
  return Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
    .subarray(-32)
    .toString('hex');
}

describe('the key that signed a release', () => {
  it('is told by its 32 public bytes', () => {
    expect([...STANDING.releasers]).to.deep.equal([publicHex(RELEASE_KEY.publicKeyPem)]);
  });
});
