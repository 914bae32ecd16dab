/** A ruling in plain words, for whoever is to sign it. Pure. */
import { instantOf } from '../../../shared/orders/instant.ts';
import type { Ruling } from '../../../shared/orders/ruling.ts';
import { visibleLine } from '../../../shared/visible-text.ts';

export function rulingLines(ruling: Ruling): string[] {
  const { host, run, head, check, issuedAtMs, reason } = ruling;
  const lines = [
    headline(ruling),
    `  host: ${host}`,
    `  check: ${check}`,
    `  reason: ${reason}`,
    `  issued: ${instantOf(issuedAtMs)}`,
    `  bound to: run ${run}, head ${head}`,
  ];
  return lines.map(visibleLine);
}

function headline({ decision, stopGate, expiresMs }: Ruling): string {
  switch (decision) {
    case 'proceed':
      return `let the dry run go on past ${stopGate}`;
    case 'stop':
      return `end the dry run at ${stopGate}: its check is then blocked`;
    case 'waive':
      return `do without what the check left open, until ${instantOf(expiresMs ?? 0)}`;
  }
}
