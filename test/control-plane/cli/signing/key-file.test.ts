/** Decisions signed with key files: ours, and those of OpenSSH by its own `ssh-keygen`. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { openApprover } from '../../../../control-plane/cli/signing/open-approver.ts';
import { RejectedError } from '../../../../shared/errors.ts';
import { UsageError } from '../../../../shared/service/failure.ts';
import { generateKey, saveKey } from '../../../../shared/trust/keys.ts';
import { FakeSshAgent, honest, signedAnswer } from '../../../support/fake-ssh-agent.ts';
import { talkTo } from '../../../support/pseudo-terminal.ts';
import { codeOf, codeThrownBy } from '../../../support/rejection-of.ts';
import { FLAGS, SecurityKey } from '../../../support/security-key.ts';
import { countedBy, OTHER_PAYLOAD, signDecision } from '../../../support/signed-decision.ts';
import { SshFolder } from '../../../support/ssh-agent.ts';

const UNSEEN = { isTouched: false, isVerified: false };
const PASSPHRASE = 'the right passphrase';

describe('control-plane/cli/signing with a key file', function () {
  this.timeout(60_000);
  let folder: SshFolder;
  let terminals: readonly [boolean | undefined, boolean | undefined];
  beforeEach(() => {
    folder = new SshFolder();
    terminals = [process.stdin.isTTY, process.stderr.isTTY];
    process.stdin.isTTY = false;
    process.stderr.isTTY = false;
  });
  afterEach(() => {
    [process.stdin.isTTY, process.stderr.isTTY] = terminals as [boolean, boolean];
    folder[Symbol.dispose]();
  });

  const failure = async (action: Promise<unknown>): Promise<RejectedError> =>
    await action.then(
      () => expect.fail('nothing was refused'),
      (error) => error,
    );

  describe('of keyturn init', () => {
    const key = generateKey();
    const saved = (passphrase?: string): string => {
      saveKey(folder.at('key.pem'), key, passphrase);
      return folder.at('key.pem');
    };

    it('signs what a host counts, and what is signed for another decision does not count', async () => {
      const signer = await openApprover(saved(), { env: {} });
      expect([signer.how, signer.key.keyId]).to.deep.equal(['pkcs8', key.keyId]);
      const signature = await signDecision(signer);
      expect([countedBy(key.publicKeyPem, signature), signature.presence]).to.deep.equal([UNSEEN, UNSEEN]);
      const another = await signDecision(signer, OTHER_PAYLOAD);
      expect(codeThrownBy(() => countedBy(key.publicKeyPem, another))).to.equal('signature-threshold-not-met');
      signer.close();
    });

    it('opens an encrypted one with the passphrase of a file, and with no other', async () => {
      const file = saved(PASSPHRASE);
      const open = (line: string) =>
        openApprover(file, { env: {}, passphraseFile: folder.write('passphrase', `${line}\n`) });
      expect(countedBy(key.publicKeyPem, await signDecision(await open(PASSPHRASE)))).to.deep.equal(UNSEEN);
      expect(await codeOf(open('another passphrase'))).to.equal('passphrase-wrong');
      expect(await codeOf(openApprover(file, { env: {} }))).to.equal('passphrase-needed');
    });

    it('refuses what is no private key, and says what to name instead', async () => {
      const file = folder.write('key', key.publicKeyPem);
      expect(await failure(openApprover(file, { env: {} }))).to.include({ code: 'approver-key-is-public' });
      folder.write('key', 'something else');
      expect(await failure(openApprover(file, { env: {} }))).to.include({ code: 'approver-key-unknown' });
      folder.write('key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n');
      expect(await failure(openApprover(file, { env: {} }))).to.include({ code: 'key-is-not-ed25519' });
      expect(await failure(openApprover(folder.at('none'), { env: {} }))).to.be.instanceOf(UsageError);
    });
  });

  describe('of OpenSSH', () => {
    it('signs what a host counts', async () => {
      const signer = await openApprover(folder.makeKey('mine'), { env: folder.environment() });
      expect(signer.how).to.equal('ssh-keygen');
      expect(countedBy(folder.publicLine('mine'), await signDecision(signer))).to.deep.equal(UNSEEN);
      const another = await signDecision(signer, OTHER_PAYLOAD);
      expect(codeThrownBy(() => countedBy(signer.key, another))).to.equal('signature-threshold-not-met');
    });

    it('leaves nothing behind, whether it signs or fails', async () => {
      const scratch = folder.at('scratch');
      mkdirSync(scratch);
      const before = process.env.TMPDIR;
      process.env.TMPDIR = scratch;
      try {
        const path = folder.makeKey('mine');
        await signDecision(await openApprover(path, { env: folder.environment() }));
        const env = { ...folder.environment(), PATH: scratch };
        expect(await codeOf(signDecision(await openApprover(path, { env })))).to.equal('ssh-keygen-missing');
      } finally {
        if (before === undefined) delete process.env.TMPDIR;
        else process.env.TMPDIR = before;
      }
      expect(readdirSync(scratch)).to.deep.equal([]);
    });

    it('tells the public key of a file that stands alone, and before any passphrase', async () => {
      const path = folder.makeKey('mine', { passphrase: PASSPHRASE });
      const line = folder.publicLine('mine');
      folder.write('mine.pub', '');
      const signer = await openApprover(path, { env: folder.environment(PASSPHRASE) });
      expect(countedBy(line, await signDecision(signer))).to.deep.equal(UNSEEN);
    });

    it('fails as ssh-keygen says it when the passphrase is wrong, or nobody types one', async () => {
      const path = folder.makeKey('mine', { passphrase: PASSPHRASE });
      for (const answer of ['another passphrase', undefined]) {
        const signer = await openApprover(path, { env: folder.environment(answer) });
        const error = await failure(signDecision(signer));
        expect(error).to.be.instanceOf(RejectedError).with.property('code', 'ssh-keygen-failed');
        expect(error.message).to.match(/ssh-keygen ended with exit 255: .*incorrect passphrase/);
      }
    });

    it('refuses a passphrase file, which ssh-keygen would not read', async () => {
      const passphraseFile = folder.write('passphrase', `${PASSPHRASE}\n`);
      const encrypted = folder.makeKey('mine', { passphrase: PASSPHRASE });
      const options = { env: folder.environment(), passphraseFile };
      expect(await failure(openApprover(encrypted, options))).to.be.instanceOf(UsageError);
      const plain = await openApprover(folder.makeKey('plain'), options);
      expect(countedBy(plain.key, await signDecision(plain))).to.deep.equal(UNSEEN);
    });

    it('says that there is no ssh-keygen where there is none', async () => {
      const env = { ...folder.environment(), PATH: folder.at('empty') };
      const signer = await openApprover(folder.makeKey('mine'), { env });
      expect(await codeOf(signDecision(signer))).to.equal('ssh-keygen-missing');
    });

    const IMPOSTORS: Readonly<Record<string, readonly [script: string, code: string]>> = {
      'signs with another key': [
        'exec /usr/bin/ssh-keygen -q -Y sign -n "$5" -f "$HOME/other" "$8"',
        'signature-does-not-verify',
      ],
      'signs for another purpose': [
        'exec /usr/bin/ssh-keygen -q -Y sign -n git -f "$7" "$8"',
        'signature-does-not-verify',
      ],
      'leaves no signature': ['exit 0', 'ssh-keygen-failed'],
      'leaves something else': ['echo nonsense > "$8.sig"', 'ssh-signature-malformed'],
      'is killed': ['kill -9 $$', 'ssh-keygen-failed'],
    };
    for (const [name, [script, code]] of Object.entries(IMPOSTORS)) {
      it(`takes no approval from an ssh-keygen that ${name}`, async () => {
        const path = folder.makeKey('mine');
        folder.makeKey('other');
        folder.write('ssh-keygen', `#!/bin/sh\n${script}\n`, 0o700);
        const env = { ...folder.environment(), PATH: `${folder.path}:${process.env.PATH}` };
        expect(await codeOf(signDecision(await openApprover(path, { env })))).to.equal(code);
      });
    }

    it('refuses a file that is cut off, holds two keys, or a key of another kind', async () => {
      const path = folder.makeKey('mine');
      const write = (change: (bytes: Buffer) => Buffer) => {
        const [begin, ...rest] = readFileSync(path, 'utf8').trim().split('\n');
        const bytes = change(Buffer.from(rest.slice(0, -1).join(''), 'base64'));
        return folder.write('changed', `${begin}\n${bytes.toString('base64')}\n${rest.at(-1)}\n`);
      };
      const twoKeys = (bytes: Buffer) =>
        Buffer.from(bytes.toString('hex').replace('0000000100000033', '0000000200000033'), 'hex');
      const codes = [
        await codeOf(
          openApprover(
            write((bytes) => bytes.subarray(0, 60)),
            { env: {} },
          ),
        ),
        await codeOf(
          openApprover(
            write((bytes) => Buffer.concat([Buffer.from('x'), bytes])),
            { env: {} },
          ),
        ),
        await codeOf(openApprover(write(twoKeys), { env: {} })),
        await codeOf(openApprover(folder.makeKey('rsa', { type: 'rsa' }), { env: {} })),
      ];
      const malformed = 'ssh-key-malformed';
      expect(codes).to.deep.equal([malformed, malformed, malformed, 'ssh-key-type-unknown']);
    });
  });

  describe('of a security key', () => {
    const card = new SecurityKey();

    it('signs by what holds the device, and tells whether it was touched', async () => {
      for (const flags of [FLAGS.touched, 0]) {
        const sign = ({ data }: { data: Buffer }) => signedAnswer(card.answer(data, { flags }));
        await using agent = await FakeSshAgent.start(folder.at('agent.sock'), { ...honest(card), sign });
        const env = { ...folder.environment(), SSH_AUTH_SOCK: folder.at('agent.sock') };
        const signer = await openApprover(folder.write('id_ed25519_sk', card.handleFile), { env });
        const signature = await signDecision(signer);
        expect([signer.how, agent.asked.length > 0]).to.deep.equal(['ssh-keygen', true]);
        expect(signature.presence).to.deep.equal({ isTouched: flags !== 0, isVerified: false });
        expect(countedBy(card.line, signature)).to.deep.equal(signature.presence);
      }
    });

    it('fails as ssh-keygen says it where the device is not there', async () => {
      const path = folder.write('id_ed25519_sk', card.handleFile);
      const error = await failure(signDecision(await openApprover(path, { env: folder.environment() })));
      expect(error).to.be.instanceOf(RejectedError).with.property('code', 'ssh-keygen-failed');
      expect(error.message).to.match(/ssh-keygen ended with exit 255: .+/);
    });
  });

  describe('at a terminal', () => {
    const source = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));

    const program = (keyFile: string): string => {
      const text = `
        import { openApprover } from ${JSON.stringify(source('control-plane/cli/signing/open-approver.ts'))};
        const { SSH_ASKPASS, SSH_ASKPASS_REQUIRE, SSH_AUTH_SOCK, DISPLAY, WAYLAND_DISPLAY, ...env } = process.env;
        const signer = await openApprover(${JSON.stringify(keyFile)}, { env });
        try {
          const { keyId } = await signer.sign('application/json', Buffer.from('{}'));
          console.log('signed by ' + keyId);
        } catch (error) {
          console.log('refused: ' + error.code + ': ' + error.message);
        }
      `;
      writeFileSync(folder.at('sign.ts'), text);
      return folder.at('sign.ts');
    };

    it('lets ssh-keygen ask for the passphrase, which nobody sees', async () => {
      const path = folder.makeKey('mine', { passphrase: PASSPHRASE });
      const { key } = await openApprover(path, { env: {} });
      const { exitCode, screen } = talkTo([program(path)], [['Enter passphrase', `${PASSPHRASE}\r`]]);
      expect(exitCode, screen).to.equal(0);
      expect(screen).to.include(`signed by ${key.keyId}`).and.not.include(PASSPHRASE);
    });

    it('shows what ssh-keygen says of a wrong one, once', () => {
      const path = folder.makeKey('mine', { passphrase: PASSPHRASE });
      const { screen } = talkTo([program(path)], [['Enter passphrase', 'another passphrase\r']]);
      expect(screen.match(/incorrect passphrase/g)).to.have.length(1);
      expect(screen).to.include('refused: ssh-keygen-failed');
      expect(screen.indexOf('incorrect passphrase')).to.be.below(screen.indexOf('refused:'));
    });

    it('asks for the passphrase of a file of ours, which nobody sees', () => {
      const key = generateKey();
      saveKey(folder.at('key.pem'), key, PASSPHRASE);
      const { screen } = talkTo([program(folder.at('key.pem'))], [['passphrase: ', `${PASSPHRASE}\r`]]);
      expect(screen).to.include(`signed by ${key.keyId}`).and.not.include(PASSPHRASE);
    });
  });
});
