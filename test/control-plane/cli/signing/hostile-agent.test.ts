/** An agent that is out of order or hostile: nothing that it gives becomes an approval, and each fault is named. */
import { expect } from 'chai';
import { openApprover } from '../../../../control-plane/cli/signing/open-approver.ts';
import type { TransientError } from '../../../../shared/errors.ts';
import { LIMITS } from '../../../../shared/limits.ts';
import { sshKeyBlob } from '../../../../shared/trust/ssh-key.ts';
import { sshString, sshUint32 } from '../../../../shared/trust/ssh-wire.ts';
import {
  answerOf,
  type FakeBehaviour,
  FakeSshAgent,
  honest,
  identitiesAnswer,
  type Reaction,
  refusal,
  signedAnswer,
} from '../../../support/fake-ssh-agent.ts';
import { codeOf } from '../../../support/rejection-of.ts';
import { FLAGS, SecurityKey, SshFileKey } from '../../../support/security-key.ts';
import { countedBy, signDecision } from '../../../support/signed-decision.ts';
import { SshFolder } from '../../../support/ssh-agent.ts';

const BRIEF = { listMs: 40, signMs: 40 };
/** A test that waits for an answer to come waits for that alone. */
const LONG = { listMs: 20_000, signMs: 20_000 };
const HELD = new SshFileKey();
const CARD = new SecurityKey();
const MALFORMED = 'ssh-agent-answer-malformed';
const UNVERIFIED = 'signature-does-not-verify';
const SILENT = 'failed to sign: the ssh-agent gave no answer within 0.04 s';
const HUNG_UP = 'failed to sign: the ssh-agent hung up without an answer';

const blob = sshKeyBlob(HELD.key);
const cut = (bytes: Buffer, count: number) => bytes.subarray(0, bytes.length - count);
const announcing = (length: number, bytes: Buffer) => Buffer.concat([sshUint32(length), bytes.subarray(4)]);
const more = (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('more')]);

/** What is done instead of showing the keys; the code, or the message where there is none. */
const LISTS: Readonly<Record<string, readonly [Reaction, string]>> = {
  'refuses to show its keys': [refusal, 'ssh-agent-refused'],
  'shows no key': [identitiesAnswer([]), 'ssh-agent-is-empty'],
  'shows other keys': [
    identitiesAnswer([sshKeyBlob(CARD.key), sshKeyBlob(new SshFileKey().key)]),
    'ssh-agent-lacks-key',
  ],
  'shows the key cut off': [identitiesAnswer([cut(blob, 1)]), 'ssh-agent-lacks-key'],
  'shows things that are no keys': [identitiesAnswer([Buffer.from('nonsense')]), 'ssh-agent-lacks-key'],
  'counts more keys than it sends': [identitiesAnswer([blob], 2), MALFORMED],
  'counts four thousand million keys': [identitiesAnswer([blob], 0xffff_ffff), MALFORMED],
  'counts fewer keys than it sends': [identitiesAnswer([blob], 0), MALFORMED],
  'sends no count': [answerOf(12), MALFORMED],
  'sends a key without a comment': [answerOf(12, sshUint32(1), sshString(blob)), MALFORMED],
  'says that a key is longer than its message': [answerOf(12, sshUint32(1), sshUint32(0x7fff_ffff), blob), MALFORMED],
  'answers with a signature when asked for keys': [signedAnswer(Buffer.from('x')), MALFORMED],
  'answers with a type that does not exist': [answerOf(200), MALFORMED],
  'answers with an empty message': [sshString(''), MALFORMED],
  'announces four gigabytes': [announcing(0xffff_ffff, identitiesAnswer([blob])), MALFORMED],
  'announces one byte over the bound': [
    announcing(LIMITS.sshAgentMessageBytes + 1, identitiesAnswer([blob])),
    MALFORMED,
  ],
  'announces less than it sends': [announcing(5, identitiesAnswer([blob])), MALFORMED],
  'announces more than it sends, and waits': [announcing(4_000, identitiesAnswer([blob])), SILENT],
  'sends more behind its answer': [more(identitiesAnswer([blob])), MALFORMED],
  'sends half a length, and waits': [Buffer.alloc(2), SILENT],
  'hangs up': ['hang up', HUNG_UP],
  'says nothing': ['say nothing', SILENT],
};

/** What is done instead of signing. */
const SIGNS: Readonly<Record<string, readonly [FakeBehaviour['sign'], string]>> = {
  'refuses to sign': [() => refusal, 'ssh-agent-refused'],
  'signs with another key': [({ data }) => signedAnswer(new SshFileKey().answer(data)), UNVERIFIED],
  'signs something else': [() => signedAnswer(HELD.answer(Buffer.from('something else'))), UNVERIFIED],
  'signs the data cut off': [({ data }) => signedAnswer(HELD.answer(cut(data, 1))), UNVERIFIED],
  'signs as a security key': [({ data }) => signedAnswer(CARD.answer(data)), UNVERIFIED],
  'cuts the signature off': [({ data }) => signedAnswer(cut(HELD.answer(data), 1)), UNVERIFIED],
  'adds to the signature': [({ data }) => signedAnswer(more(HELD.answer(data))), UNVERIFIED],
  'changes a bit of the signature': [({ data }) => signedAnswer(changed(HELD.answer(data))), UNVERIFIED],
  'gives an empty signature': [() => signedAnswer(Buffer.alloc(0)), UNVERIFIED],
  'gives the signature without its type': [({ data }) => signedAnswer(HELD.answer(data).subarray(-64)), UNVERIFIED],
  'calls it a signature of RSA': [() => signedAnswer(sshString('rsa-sha2-512')), UNVERIFIED],
  'gives no signature': [() => answerOf(14), MALFORMED],
  'gives two signatures': [
    ({ data }) => answerOf(14, sshString(HELD.answer(data)), sshString(HELD.answer(data))),
    MALFORMED,
  ],
  'answers with its keys when asked to sign': [() => identitiesAnswer([blob]), MALFORMED],
  'announces two gigabytes': [({ data }) => announcing(0x7fff_ffff, signedAnswer(HELD.answer(data))), MALFORMED],
  'announces less than it sends': [({ data }) => announcing(9, signedAnswer(HELD.answer(data))), MALFORMED],
  'hangs up': [() => 'hang up', HUNG_UP],
  'says nothing, as one whose key nobody touches': [() => 'say nothing', SILENT],
};

function changed(bytes: Buffer): Buffer {
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 7) ^ 1, bytes.length - 7);
  return bytes;
}

/** The code; the message of a `TransientError`, which has none. */
async function outcomeOf(action: Promise<unknown>): Promise<string> {
  const code = await codeOf(action);
  if (code !== 'transient') return code;
  return await action.then(
    () => '',
    (error: TransientError) => error.message,
  );
}

describe('control-plane/cli/signing by an agent that cannot be relied on', function () {
  this.timeout(5_000);
  let folder: SshFolder;
  let agent: FakeSshAgent | undefined;
  beforeEach(() => {
    folder = new SshFolder();
  });
  afterEach(async () => {
    await agent?.[Symbol.asyncDispose]();
    agent = undefined;
    folder[Symbol.dispose]();
  });

  const start = async (behaviour: FakeBehaviour, line: string, patience = LONG) => {
    const socketPath = folder.at('agent.sock');
    agent = await FakeSshAgent.start(socketPath, behaviour);
    return { opened: openApprover(line, { env: { SSH_AUTH_SOCK: socketPath }, patience }), agent };
  };

  it('is tried in at least forty ways', () => {
    expect(Object.keys(LISTS).length + Object.keys(SIGNS).length).to.be.at.least(40);
  });

  for (const [name, [reaction, expected]] of Object.entries(LISTS)) {
    it(`opens no key of an agent that ${name}, and leaves no connection open`, async () => {
      const behaviour = { ...honest(HELD), list: () => reaction };
      const { opened, agent } = await start(behaviour, HELD.line, expected === SILENT ? BRIEF : LONG);
      expect(await outcomeOf(opened)).to.equal(expected);
      await agent.allClosed();
      expect(agent.openCount).to.equal(0);
    });
  }

  for (const [name, [sign, expected]] of Object.entries(SIGNS)) {
    it(`takes no approval from an agent that ${name}`, async () => {
      const patience = { ...LONG, signMs: expected === SILENT ? BRIEF.signMs : LONG.signMs };
      const { opened } = await start({ ...honest(HELD), sign }, HELD.line, patience);
      const signer = await opened;
      expect(await outcomeOf(signDecision(signer))).to.equal(expected);
      signer.close();
    });
  }

  it('asks an agent nothing more after a fault, whose answer might come late', async () => {
    const { opened, agent } = await start({ ...honest(HELD), sign: () => more(refusal) }, HELD.line);
    const signer = await opened;
    expect(await outcomeOf(signDecision(signer))).to.equal(MALFORMED);
    expect(await outcomeOf(signDecision(signer))).to.equal(HUNG_UP);
    expect(agent.asked).to.deep.equal([11, 13]);
  });

  it('signs nothing once it was closed', async () => {
    const { opened, agent } = await start(honest(HELD), HELD.line);
    const signer = await opened;
    expect(countedBy(HELD.line, await signDecision(signer))).to.deep.equal({ isTouched: false, isVerified: false });
    signer.close();
    expect(await outcomeOf(signDecision(signer))).to.equal(HUNG_UP);
    await agent.allClosed();
  });

  it('signs with a security key in an agent, and tells whether it was touched', async () => {
    const seen = [];
    for (const flags of [FLAGS.touched, 0, FLAGS.touched | FLAGS.verified]) {
      const card = {
        ...honest(CARD),
        sign: ({ data }: { data: Buffer }) => signedAnswer(CARD.answer(data, { flags })),
      };
      const { opened, agent } = await start(card, CARD.line);
      const signer = await opened;
      const signature = await signDecision(signer);
      seen.push(signature.presence);
      expect([signer.how, countedBy(CARD.line, signature)]).to.deep.equal(['ssh-agent', signature.presence]);
      signer.close();
      await agent[Symbol.asyncDispose]();
    }
    expect(seen).to.deep.equal([
      { isTouched: true, isVerified: false },
      { isTouched: false, isVerified: false },
      { isTouched: true, isVerified: true },
    ]);
  });

  it('takes no touch from an agent that says so behind the signature of the security key', async () => {
    const touchedLater = ({ data }: { data: Buffer }) => {
      const answer = CARD.answer(data, { flags: 0 });
      answer.writeUInt8(FLAGS.touched, answer.length - 5);
      return signedAnswer(answer);
    };
    const { opened } = await start({ ...honest(CARD), sign: touchedLater }, CARD.line);
    const signer = await opened;
    expect(await outcomeOf(signDecision(signer))).to.equal(UNVERIFIED);
    signer.close();
  });

  it('takes no answer of a security key that was made for another application', async () => {
    const sign = ({ data }: { data: Buffer }) => signedAnswer(CARD.answer(data, { application: 'ssh:other' }));
    const { opened } = await start({ ...honest(CARD), sign }, CARD.line);
    const signer = await opened;
    expect(await outcomeOf(signDecision(signer))).to.equal(UNVERIFIED);
    signer.close();
  });

  it('takes an answer that comes byte by byte', async () => {
    const whole = identitiesAnswer([blob]);
    const { opened, agent } = await start({ ...honest(HELD), list: () => whole.subarray(0, 3) }, HELD.line);
    await agent.sayBytewise(whole.subarray(3));
    const signer = await opened;
    expect(countedBy(HELD.line, await signDecision(signer))).to.deep.equal({ isTouched: false, isVerified: false });
    signer.close();
  });
});
