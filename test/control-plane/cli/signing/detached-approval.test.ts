/** Approvals that were made by `ssh-keygen` on a machine without Keyturn, and brought back as a file. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { decisionBytes } from '../../../../control-plane/cli/signing/approver-signer.ts';
import { approvalFromArmor } from '../../../../control-plane/cli/signing/detached-approval.ts';
import { APPROVAL_NAMESPACE } from '../../../../shared/trust/approver-key.ts';
import { parseSshKey } from '../../../../shared/trust/ssh-key.ts';
import { armour } from '../../../../shared/trust/sshsig.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../../../shared/trust/statement.ts';
import { codeThrownBy } from '../../../support/rejection-of.ts';
import { FLAGS, SecurityKey, SshFileKey } from '../../../support/security-key.ts';
import { countedBy, OTHER_PAYLOAD, PAYLOAD } from '../../../support/signed-decision.ts';
import { SshFolder } from '../../../support/ssh-agent.ts';

const DECISION = { payloadType: STATEMENT_PAYLOAD_TYPE, payload: PAYLOAD };
const MESSAGE = decisionBytes(STATEMENT_PAYLOAD_TYPE, PAYLOAD);

describe('control-plane/cli/signing/detached-approval', () => {
  it('writes the bytes to sign as DSSE does', () => {
    expect(decisionBytes('a/b', Buffer.from('ä')).toString()).to.equal('DSSEv1 3 a/b 2 ä');
  });

  it('takes what ssh-keygen made of the bytes in a file, and a host counts it', () => {
    using folder = new SshFolder();
    const path = folder.makeKey('mine');
    const file = folder.at('decision');
    writeFileSync(file, MESSAGE);
    const { status } = spawnSync('ssh-keygen', ['-Y', 'sign', '-n', APPROVAL_NAMESPACE, '-f', path, file]);
    expect(status).to.equal(0);
    const line = folder.publicLine('mine');
    const approval = approvalFromArmor(readFileSync(`${file}.sig`, 'utf8'), line, DECISION);
    expect(approval.keyId).to.equal(parseSshKey(line).keyId);
    expect(countedBy(line, approval)).to.deep.equal({ isTouched: false, isVerified: false });
  });

  const card = new SecurityKey();
  const file = new SshFileKey();

  it('tells whether the security key was touched', () => {
    const presences = [FLAGS.touched, 0].map((flags) => {
      const approval = approvalFromArmor(armour(card.sign(MESSAGE, { flags })), card.line, DECISION);
      expect(countedBy(card.line, approval)).to.deep.equal(approval.presence);
      return approval.presence.isTouched;
    });
    expect(presences).to.deep.equal([true, false]);
  });

  it('takes it for the same key in PEM', () => {
    const approval = approvalFromArmor(armour(file.sign(MESSAGE)), file.key.publicKeyPem, DECISION);
    expect(countedBy(file.key.publicKeyPem, approval)).to.deep.equal({ isTouched: false, isVerified: false });
  });

  const other = decisionBytes(STATEMENT_PAYLOAD_TYPE, OTHER_PAYLOAD);
  const REFUSED: Readonly<Record<string, readonly [armored: string, line: string, code: string]>> = {
    'of another decision': [armour(file.sign(other)), file.line, 'signature-of-another-decision'],
    'of the payload without its type': [armour(file.sign(PAYLOAD)), file.line, 'signature-of-another-decision'],
    'made for git': [armour(file.sign(MESSAGE, 'git')), file.line, 'signature-of-another-decision'],
    'of another key': [armour(new SshFileKey().sign(MESSAGE)), file.line, 'signature-of-another-key'],
    'of a security key in the place of a file': [armour(card.sign(MESSAGE)), file.line, 'signature-of-another-key'],
    'of another application': [
      armour(card.sign(MESSAGE, { application: 'ssh:other' })),
      card.line,
      'signature-of-another-decision',
    ],
    'without its armour': [file.sign(MESSAGE).toString('base64'), file.line, 'ssh-signature-malformed'],
    'that is cut off': [armour(file.sign(MESSAGE).subarray(0, -1)), file.line, 'ssh-signature-malformed'],
    'by a key of no known kind': [armour(file.sign(MESSAGE)), 'ssh-rsa AAAA', 'ssh-key-type-unknown'],
  };
  for (const [what, [armored, line, code]] of Object.entries(REFUSED)) {
    it(`takes no signature ${what}`, () => {
      expect(codeThrownBy(() => approvalFromArmor(armored, line, DECISION))).to.equal(code);
    });
  }
});
