import { HOST_PATTERN } from '../../shared/rpc/peer-identity.ts';
import { UsageError } from '../../shared/service/failure.ts';

/** Errors: `UsageError`. */
export function parseHostName(text: string): string {
  if (HOST_PATTERN.test(text)) return text;
  throw new UsageError(`host "${text}": expected a DNS name in lower case, such as web-1.example.org`);
}
