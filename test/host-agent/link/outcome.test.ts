import { expect } from 'chai';

import { outcomeOf } from '../../../host-agent/link/outcome.ts';
import { RejectedError, type RejectionCode, TransientError } from '../../../shared/errors.ts';

const KINDS: Readonly<Record<RejectionCode, string>> = {
  'host-revoked': 'fatal',
  'host-unknown': 'fatal',
  'host-not-enrolled': 'fatal',
  'certificate-revoked': 'fatal',
  'certificate-unknown': 'fatal',
  'identity-not-understood': 'fatal',
  'certificate-expired': 'refused',
  'session-replaced': 'refused',
  'ledger-contradicted': 'refused',
  'directive-log-behind': 'refused',
  'not-enrolled': 'refused',
  'internal-error': 'refused',
  'a-code-that-nobody-knows': 'refused',
};

describe('host-agent/link/outcome', () => {
  it('has a row for each code that matters', () => {
    expect(Object.keys(KINDS)).to.have.length(13);
  });

  for (const [code, kind] of Object.entries(KINDS)) {
    it(`takes ${code} as ${kind}`, () => {
      expect(outcomeOf(new RejectedError(code as RejectionCode, 'as told')).kind).to.equal(kind);
    });
  }

  it('takes a lost connection as lost', () => {
    expect(outcomeOf(new TransientError('gone')).kind).to.equal('lost');
  });
});
