import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import { admissionEvidence, citeEntry, citeStatement, inForm } from './cite.ts';
import type { Block } from './document.ts';
import { statement } from './document.ts';

/** The rollback in one line, by hand on the host or from the operator's machine. */
export function rollbackBlock(ledger: VerifiedLedger): Block {
  const path = inForm(citeEntry(ledger, 0, '/body/installPath'), 'shell-word');
  const host = inForm(citeEntry(ledger, 0, '/host'), 'shell-word');
  const [app, version] = [citeStatement(ledger, '/app'), citeStatement(ledger, '/version')];
  const parts = ['rm -rf ', path, '\nkeyturn rollback ', app, '@', version, ' --host ', host];
  return { block: 'verbatim', statement: statement(parts, admissionEvidence(ledger)) };
}
