import { UsageError } from '../../shared/service/failure.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST:PORT`; an IPv6 address stands in brackets. `what` names the option in the error. Errors: `UsageError`. */
export function parseAddress(text: string, what: string): Address {
  const [, host = '', port = ''] = /^(\[[0-9A-Fa-f:.]+\]|[^\s:[\]/]+):(\d{1,5})$/.exec(text) ?? [];
  if (host !== '' && Number(port) < 65_536) return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
  throw new UsageError(`${what} "${text}": expected HOST:PORT with a port up to 65535, such as 127.0.0.1:7443`);
}
