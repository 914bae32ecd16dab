import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import { admissionEvidence, citeEntry, citeStatement, inForm } from './cite.ts';
import type { Block, Part } from './document.ts';
import { statement } from './document.ts';

/** The rollback in one line, by hand on the host; then the order that does the same and lets the host prove it. */
export function rollbackBlocks(ledger: VerifiedLedger): Block[] {
  const path = inForm(citeEntry(ledger, 0, '/body/installPath'), 'shell-word');
  const host = inForm(citeEntry(ledger, 0, '/host'), 'shell-word');
  const [app, version] = [citeStatement(ledger, '/app'), citeStatement(ledger, '/version')];
  const line = (parts: Part[]): Block => ({
    block: 'verbatim',
    statement: statement(parts, admissionEvidence(ledger)),
  });
  const other = "Or from the operator's machine, with the proof of it in the ledger:";
  return [
    line(['rm -rf ', path]),
    { block: 'list', items: [statement(other, admissionEvidence(ledger))] },
    line(['keyturn rollback ', app, '@', version, ' --host ', host]),
  ];
}
