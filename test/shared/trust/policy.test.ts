import { expect } from 'chai';

import { RejectedError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { keyedApprovers, logOf, parsePolicy, selectRule } from '../../../shared/trust/policy.ts';
import { encodeVerifierKey } from '../../../shared/trust/verifier-key.ts';
import { SecurityKey, SshFileKey } from '../../support/security-key.ts';

const [ANNA, BELA, CARL, STRANGER] = [generateKey(), generateKey(), generateKey(), generateKey()];

type Tree = Record<string, unknown>;

const PROD_RULE = {
  match: { env: 'prod' },
  quorum: [
    { team: 'operations', count: 2 },
    { team: 'security', count: 1 },
  ],
  separation: true,
  maxLeaseMs: 8 * 3600_000,
  freshnessGraceMs: 900_000,
};
const TEST_RULE = { ...PROD_RULE, match: { env: 'test' }, quorum: [{ team: 'operations', count: 1 }], reopen: true };

function policyTree(change: Tree = {}): Tree {
  return {
    version: 1,
    approvers: [
      { keyId: ANNA.keyId, publicKey: ANNA.publicKeyPem, holder: 'Anna', team: 'operations' },
      { keyId: BELA.keyId, publicKey: BELA.publicKeyPem, holder: 'Bela', team: 'operations' },
      { keyId: CARL.keyId, publicKey: CARL.publicKeyPem, holder: 'Carl', team: 'security' },
    ],
    rules: [PROD_RULE, TEST_RULE],
    subGaps: { accept: [{ gate: 'G6', checkKind: 'sql', owner: 'DBA', route: 'ticket', maxAgeDays: 30 }] },
    gates: { required: ['G3', 'G4', 'G5', 'G6', 'G7'] },
    checkKinds: { allowed: ['exec', 'file', 'sql'] },
    sandbox: 'required',
    forbidden: ['network', 'service-change'],
    timestampExpiresMs: 3600_000,
    retention: { keep: 3 },
    ...change,
  };
}

function bytesOf(tree: Tree): Buffer {
  return Buffer.from(JSON.stringify(tree, null, 2));
}

function rejectionOf(bytes: Uint8Array): RejectedError {
  try {
    parsePolicy(bytes);
  } catch (error) {
    if (error instanceof RejectedError) return error;
    throw error;
  }
  throw new Error('expected a rejection');
}

describe('shared/trust/policy', function () {
  this.timeout(30_000);
  it('reads a policy that people wrote, with line breaks and in any order', () => {
    const policy = parsePolicy(bytesOf(policyTree()));
    expect(policy.rules.map((rule) => rule.reopen)).to.deep.equal([false, true]);
    expect(policy.retention.keep).to.equal(3);
    expect(keyedApprovers(policy).map(({ key }) => key.keyId)).to.deep.equal([ANNA.keyId, BELA.keyId, CARL.keyId]);
  });

  it('selects the first rule whose labels all match, and none when none does', () => {
    const fallback = { ...PROD_RULE, match: {} };
    const policy = parsePolicy(
      bytesOf(policyTree({ rules: [{ ...PROD_RULE, match: { env: 'prod', site: 'b' } }, PROD_RULE, fallback] })),
    );
    expect(selectRule(policy, { env: 'prod', site: 'b', rack: '7' })).to.equal(policy.rules[0]);
    expect(selectRule(policy, { env: 'prod', site: 'a' })).to.equal(policy.rules[1]);
    expect(selectRule(policy, {})).to.equal(policy.rules[2]);
    expect(selectRule(parsePolicy(bytesOf(policyTree())), { env: 'lab' })).to.equal(undefined);
  });

  it('does not take an inherited property for a label', () => {
    const policy = parsePolicy(bytesOf(policyTree({ rules: [{ ...PROD_RULE, match: { constructor: 'x' } }] })));
    expect(selectRule(policy, {})).to.equal(undefined);
  });

  it('takes the keys that people carry, in files and in security keys', () => {
    const [card, file] = [new SecurityKey(), new SshFileKey()];
    const approvers = [
      ...(policyTree().approvers as Tree[]),
      { keyId: card.key.keyId, publicKey: card.line, holder: 'Dora', team: 'security' },
      { keyId: file.key.keyId, publicKey: file.line, holder: 'Emil', team: 'security' },
    ];
    const [, , , dora, emil] = keyedApprovers(parsePolicy(bytesOf(policyTree({ approvers }))));
    const message = Buffer.from('a decision');
    expect(dora?.key.verify(message, card.sign(message))).to.deep.equal({ isTouched: true, isVerified: false });
    expect(emil?.key.verify(message, file.sign(message))).to.deep.equal({ isTouched: false, isVerified: false });
    expect(dora?.key.verify(message, file.sign(message))).to.equal(undefined);
    expect(emil?.key.verify(message, card.sign(message))).to.equal(undefined);
  });

  it('takes of a key in a file what it signed by itself and what ssh-keygen made of it', () => {
    const [anna] = keyedApprovers(parsePolicy(bytesOf(policyTree())));
    const message = Buffer.from('a decision');
    expect(anna?.key.verify(message, ANNA.sign(message))).to.not.equal(undefined);
    expect(anna?.key.verify(message, new SshFileKey(ANNA).sign(message))).to.not.equal(undefined);
    expect(anna?.key.verify(message, new SshFileKey(ANNA).sign(message, 'git'))).to.equal(undefined);
    expect(anna?.key.verify(message, STRANGER.sign(message))).to.equal(undefined);
  });

  it('names the log that orders must be in, if it names one', () => {
    const log = { name: 'keyturn.example/log', key: ANNA };
    expect(logOf(parsePolicy(bytesOf(policyTree())))).to.equal(undefined);
    const named = logOf(parsePolicy(bytesOf(policyTree({ log: encodeVerifierKey(log) }))));
    expect([named?.name, named?.key.keyId]).to.deep.equal([log.name, ANNA.keyId]);
  });

  it('lists every invalid field, not the first', () => {
    const error = rejectionOf(
      bytesOf(policyTree({ version: 2, sandbox: 'none', surprise: 1, retention: { keep: -1 } })),
    );
    expect(error.code).to.equal('policy-invalid');
    expect(error.message).to.include('4 invalid fields');
    for (const field of ['version:', 'sandbox:', 'surprise', 'retention.keep:'])
      expect(error.message).to.include(field);
  });

  const [anna, bela, carl] = policyTree().approvers as [Tree, Tree, Tree];
  const refused: Record<string, { change: Tree; fault: string }> = {
    'no approver': { change: { approvers: [] }, fault: 'approvers:' },
    'a key id of another key': {
      change: { approvers: [{ ...anna, keyId: BELA.keyId }, bela, carl] },
      fault: 'approvers.0.keyId',
    },
    'one key for two holders': {
      change: { approvers: [anna, { ...anna, holder: 'Bela' }, bela, carl] },
      fault: 'approvers.1.publicKey: the same key as approvers.0',
    },
    'a key that is no key': {
      change: { approvers: [{ ...anna, publicKey: 'x' }, bela, carl] },
      fault: 'approvers.0.publicKey',
    },
    'a quorum that the team cannot reach': {
      change: { rules: [{ ...PROD_RULE, quorum: [{ team: 'security', count: 2 }] }] },
      fault: 'asks for 2 of team "security", which has 1 holders',
    },
    'a quorum that one person with two keys would reach': {
      change: {
        approvers: [anna, bela, carl, { ...carl, keyId: STRANGER.keyId, publicKey: STRANGER.publicKeyPem }],
        rules: [{ ...PROD_RULE, quorum: [{ team: 'security', count: 2 }] }],
      },
      fault: 'asks for 2 of team "security", which has 1 holders',
    },
    'the same key in two forms': {
      change: { approvers: [anna, bela, carl, { ...anna, publicKey: new SshFileKey(ANNA).line, holder: 'Dora' }] },
      fault: 'approvers.3.publicKey: the same key as approvers.0',
    },
    'a presence that no key can show': {
      change: { rules: [{ ...PROD_RULE, presence: 'required' }] },
      fault: 'rules.0.quorum: presence is required, team "operations" has 0 security keys of 2',
    },
    'a log that is no key': { change: { log: 'log.example' }, fault: 'log: failed to read verifier key' },
    'a quorum of nobody': { change: { rules: [{ ...PROD_RULE, quorum: [] }] }, fault: 'rules.0.quorum' },
    'a count of zero': {
      change: { rules: [{ ...PROD_RULE, quorum: [{ team: 'security', count: 0 }] }] },
      fault: 'rules.0.quorum.0.count',
    },
    'two clauses for one team': {
      change: {
        rules: [
          {
            ...PROD_RULE,
            quorum: [
              { team: 'operations', count: 2 },
              { team: 'operations', count: 1 },
            ],
          },
        ],
      },
      fault: 'has a clause already',
    },
    'a rule hidden by an earlier one': {
      change: { rules: [{ ...TEST_RULE, match: {} }, PROD_RULE] },
      fault: 'rules.1.match: never reached, rules.0 matches first',
    },
    'the same rule twice': { change: { rules: [PROD_RULE, PROD_RULE] }, fault: 'rules.1.match' },
    'an unknown field in a rule': { change: { rules: [{ ...PROD_RULE, threshold: 0 }] }, fault: 'threshold' },
    'a rule without separation': {
      change: { rules: [{ ...PROD_RULE, separation: undefined }] },
      fault: 'rules.0.separation',
    },
    'a lease of a fraction': { change: { rules: [{ ...PROD_RULE, maxLeaseMs: 1.5 }] }, fault: 'no JSON text' },
    'a lease without an end': {
      change: { rules: [{ ...PROD_RULE, maxLeaseMs: 2 ** 50 }] },
      fault: 'rules.0.maxLeaseMs',
    },
    'an unknown forbidden action': { change: { forbidden: ['everything'] }, fault: 'forbidden.0' },
    'a forbidden action twice': { change: { forbidden: ['network', 'network'] }, fault: 'forbidden: an entry' },
    'no required gate': { change: { gates: { required: [] } }, fault: 'gates.required' },
    'a sub-gap that never expires': {
      change: { subGaps: { accept: [{ gate: 'G6', checkKind: 'sql', owner: 'x', route: 'y' }] } },
      fault: 'subGaps.accept.0.maxAgeDays',
    },
    'no timestamp limit': { change: { timestampExpiresMs: undefined }, fault: 'timestampExpiresMs' },
  };
  for (const [name, { change, fault }] of Object.entries(refused)) {
    it(`refuses ${name}`, () => {
      const error = rejectionOf(bytesOf(policyTree(change)));
      expect(error.code).to.equal('policy-invalid');
      expect(error.message).to.include(fault);
    });
  }
  it('has a row for each refusal', () => expect(Object.keys(refused)).to.have.length(23));

  it('refuses a field that stands there twice, of which a reviewer sees the first and JSON takes the last', () => {
    const text = bytesOf(policyTree())
      .toString()
      .replace('"sandbox": "required"', '"sandbox": "required", "sandbox": "optional"');
    expect(rejectionOf(Buffer.from(text)).message).to.include('a member is named twice');
  });

  it('refuses a rule whose label a schema would lose, and that would then match every host', () => {
    const text = bytesOf(policyTree())
      .toString()
      .replace(/"match": \{[^}]*\}/, '"match": { "__proto__": "x" }');
    expect(rejectionOf(Buffer.from(text)).message).to.include('"__proto__"');
  });

  it('refuses what is over the limit before parsing it', () => {
    expect(rejectionOf(Buffer.alloc(LIMITS.policyBytes + 1)).message).to.include('bytes');
  });
});
