/** Decisions signed by OpenSSH's own agent. */
import { expect } from 'chai';
import { approverOf } from '../../../../control-plane/cli/signing/approver-signer.ts';
import { openApprover } from '../../../../control-plane/cli/signing/open-approver.ts';
import { RejectedError } from '../../../../shared/errors.ts';
import { parseSshKey } from '../../../../shared/trust/ssh-key.ts';
import { policyOf } from '../../../support/enable-world.ts';
import { codeOf, codeThrownBy } from '../../../support/rejection-of.ts';
import { countedBy, OTHER_PAYLOAD, signDecision } from '../../../support/signed-decision.ts';
import { SshAgent, SshFolder } from '../../../support/ssh-agent.ts';

const UNSEEN = { isTouched: false, isVerified: false };

describe('control-plane/cli/signing by ssh-agent', function () {
  this.timeout(20_000);
  let folder: SshFolder;
  let agent: SshAgent;
  beforeEach(async () => {
    folder = new SshFolder();
    agent = await SshAgent.start(folder, folder.environment());
  });
  afterEach(async () => {
    await agent[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const open = (name: string) => openApprover(folder.at(`${name}.pub`), { env: { SSH_AUTH_SOCK: agent.socketPath } });
  const holding = (name: string, ...options: string[]): string => {
    folder.makeKey(name);
    agent.add([...options, folder.at(name)], folder.environment());
    return folder.publicLine(name);
  };

  it('signs with a key that ssh-add gave it, and a host counts the signature', async () => {
    const line = holding('mine');
    const signer = await open('mine');
    try {
      expect([signer.how, signer.key.keyId]).to.deep.equal(['ssh-agent', parseSshKey(line).keyId]);
      const signature = await signDecision(signer);
      expect(signature.presence).to.deep.equal(UNSEEN);
      expect(countedBy(line, signature)).to.deep.equal(UNSEEN);
      const another = await signDecision(signer, OTHER_PAYLOAD);
      expect(codeThrownBy(() => countedBy(line, another))).to.equal('signature-threshold-not-met');
    } finally {
      signer.close();
    }
  });

  it('takes the line of a .pub file in the place of the file, and finds the key among others', async () => {
    holding('first');
    const line = holding('second');
    const signer = await openApprover(line.trim(), { env: { SSH_AUTH_SOCK: agent.socketPath } });
    expect(countedBy(line, await signDecision(signer))).to.deep.equal(UNSEEN);
    signer.close();
  });

  it('opens a key that was given with a passphrase, which nobody asks for again', async () => {
    folder.makeKey('mine', { passphrase: 'a passphrase' });
    agent.add([folder.at('mine')], folder.environment('a passphrase'));
    const signer = await open('mine');
    expect(countedBy(folder.publicLine('mine'), await signDecision(signer))).to.deep.equal(UNSEEN);
    signer.close();
  });

  it('says of an agent that shows no key that it is empty or locked', async () => {
    folder.makeKey('mine');
    expect(await codeOf(open('mine'))).to.equal('ssh-agent-is-empty');
    agent.add([folder.at('mine')], folder.environment());
    agent.add(['-x'], folder.environment('the lock'));
    const error = await open('mine').catch((caught) => caught);
    expect(error).to.be.instanceOf(RejectedError).with.property('code', 'ssh-agent-is-empty');
    expect(error.hint).to.include('ssh-add -X');
  });

  it('says of a key that the agent does not hold what gives it one', async () => {
    holding('mine');
    folder.makeKey('other');
    const error = await open('other').catch((caught) => caught);
    expect(error).to.be.instanceOf(RejectedError).with.property('code', 'ssh-agent-lacks-key');
    expect(error.message).to.include('holds another key');
  });

  it('says that the agent refused when it was locked in between, and when the person did not confirm', async () => {
    holding('mine');
    const locked = await open('mine');
    agent.add(['-x'], folder.environment('the lock'));
    expect(await codeOf(signDecision(locked))).to.equal('ssh-agent-refused');
    agent.add(['-X'], folder.environment('the lock'));
    holding('confirmed', '-c');
    const unconfirmed = await open('confirmed');
    expect(await codeOf(signDecision(unconfirmed))).to.equal('ssh-agent-refused');
    for (const signer of [locked, unconfirmed]) signer.close();
  });

  it('says that the agent hung up when it ended in between, and of one that is gone that there is none', async () => {
    holding('mine');
    const signer = await open('mine');
    await agent[Symbol.asyncDispose]();
    const error = await signDecision(signer).catch((caught) => caught);
    expect(error.message).to.equal('failed to sign: the ssh-agent hung up without an answer');
    expect(await codeOf(open('mine'))).to.equal('ssh-agent-missing');
  });

  it('says that there is no agent where SSH_AUTH_SOCK names none, nothing, or no socket', async () => {
    folder.makeKey('mine');
    const file = folder.at('mine.pub');
    const missing = [{}, { SSH_AUTH_SOCK: '' }, { SSH_AUTH_SOCK: folder.at('none.sock') }, { SSH_AUTH_SOCK: file }];
    const codes = await Promise.all(missing.map((env) => codeOf(openApprover(file, { env }))));
    expect(codes).to.deep.equal(missing.map(() => 'ssh-agent-missing'));
  });

  it('refuses a key of another kind before it asks for one', async () => {
    folder.makeKey('rsa', { type: 'rsa' });
    folder.makeKey('ecdsa', { type: 'ecdsa' });
    expect([await codeOf(open('rsa')), await codeOf(open('ecdsa'))]).to.deep.equal([
      'ssh-key-type-unknown',
      'ssh-key-type-unknown',
    ]);
  });

  it('signs with a key that is not in the policy what counts for nobody there, and says so before', async () => {
    const line = holding('mine');
    const stranger = holding('stranger');
    const signer = await open('stranger');
    const policy = policyOf({}, { approvers: [...policyOf().approvers, approverLine(line)] });
    expect(codeThrownBy(() => approverOf(policy, signer.key))).to.equal('approver-not-in-policy');
    const signature = await signDecision(signer);
    expect(codeThrownBy(() => countedBy(line, signature))).to.equal('signature-threshold-not-met');
    expect(countedBy(stranger, signature)).to.deep.equal(UNSEEN);
    const mine = await open('mine');
    expect(approverOf(policy, mine.key)).to.include({ holder: 'erna', team: 'operations' });
    for (const opened of [signer, mine]) opened.close();
  });
});

function approverLine(line: string) {
  return { keyId: parseSshKey(line).keyId, publicKey: line, holder: 'erna', team: 'operations' };
}
