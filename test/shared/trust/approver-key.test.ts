import { expect } from 'chai';
import { parseApproverKey } from '../../../shared/trust/approver-key.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { codeThrownBy } from '../../support/rejection-of.ts';
import { SecurityKey } from '../../support/security-key.ts';

describe('shared/trust/approver-key', () => {
  it('is read from its text once, however many orders are judged with it', () => {
    const { publicKeyPem } = generateKey();
    expect(parseApproverKey(publicKeyPem)).to.equal(parseApproverKey(publicKeyPem));
  });

  it('is never another key than the one that its text is of, however many were read before', () => {
    const keys = [...Array.from({ length: 20 }, () => generateKey().publicKeyPem), new SecurityKey().line];
    const read = [...keys, ...keys].map((text) => parseApproverKey(text).text);
    expect(read).to.deep.equal([...keys, ...keys]);
  });

  it('is refused each time that its text is none', () => {
    const codes = [1, 2].map(() => codeThrownBy(() => parseApproverKey('ssh-rsa AAAA')));
    expect(codes).to.deep.equal(['ssh-key-type-unknown', 'ssh-key-type-unknown']);
  });
});
