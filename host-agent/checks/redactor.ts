import { redact } from '../../shared/redaction.ts';
import type { CheckContext } from './observe.ts';

/** Takes every secret of the plan that this host has out of a text, whether the check asked for it or not (P7). */
export function redactorOf({ release, secrets }: Pick<CheckContext, 'release' | 'secrets'>): (text: string) => string {
  const known = release.plan.secrets.map((name) => secrets.read(name)).filter((secret) => secret !== undefined);
  return (text) => redact(text, known).text;
}
