import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import { admissionEvidence, citeEntry, inForm } from './cite.ts';
import type { Block } from './document.ts';
import { statement } from './document.ts';

/** The rollback in one line, by hand on the host or from the operator's machine. */
export function rollbackBlock(ledger: VerifiedLedger): Block {
  const path = inForm(citeEntry(ledger, 0, '/body/installPath'), 'shell-word');
  const host = inForm(citeEntry(ledger, 0, '/host'), 'shell-word');
  const run = inForm(citeEntry(ledger, 0, '/run'), 'shell-word');
  const parts = ['rm -rf ', path, '\nkeyturn rollback ', run, ' --host ', host];
  return { block: 'verbatim', statement: statement(parts, admissionEvidence(ledger)) };
}
