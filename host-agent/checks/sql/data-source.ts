/** What a data source name says. It is a secret as a whole: no error quotes any of it (P7). */
import { RejectedError } from '../../../shared/errors.ts';

export type TlsMode = 'disable' | 'require' | 'verify-ca' | 'verify-full';

export interface PostgresSource {
  readonly engine: 'postgresql';
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: TlsMode;
  /** A file of certificates to trust instead of the system's. */
  readonly trustedCertificates: string | undefined;
}

export interface SqliteSource {
  readonly engine: 'sqlite';
  /** Absolute. */
  readonly path: string;
}

/** Whatever else a name may say could change what the session is allowed to do. */
const KNOWN_PARAMETERS = ['host', 'port', 'sslmode', 'sslrootcert', 'application_name', 'connect_timeout'];

/** Errors: `RejectedError('data-source-malformed')`. */
export function parseDataSource(name: Uint8Array): PostgresSource | SqliteSource {
  const text = Buffer.from(name).toString('utf8').trim();
  if (text.includes('\0')) throw malformed('it holds a NUL byte');
  if (/^postgres(ql)?:\/\//.test(text)) return parsePostgres(text);
  const path = text.replace(/^sqlite:\/\/(?=\/)/, '').replace(/^\/+/, '/');
  if (!path.startsWith('/')) throw malformed('it is neither a URL of PostgreSQL or SQLite nor an absolute path');
  return { engine: 'sqlite', path };
}

function parsePostgres(text: string): PostgresSource {
  const url = urlOf(text);
  const parameters = url.searchParams;
  const unknown = [...parameters.keys()].filter((key) => !KNOWN_PARAMETERS.includes(key)).length;
  if (unknown > 0) throw malformed(`${unknown} of its parameters are none of ${KNOWN_PARAMETERS.join(', ')}`);
  const user = decoded(url.username);
  if (user === '') throw malformed('it names no role');
  const host = parameters.get('host') || decoded(url.hostname).replace(/^\[(.+)\]$/, '$1') || '127.0.0.1';
  return {
    engine: 'postgresql',
    host,
    port: portOf(parameters.get('port') || url.port || '5432'),
    user,
    password: decoded(url.password),
    database: decoded(url.pathname.slice(1)) || user,
    tls: tlsModeOf(parameters.get('sslmode') ?? '', host),
    trustedCertificates: parameters.get('sslrootcert') ?? undefined,
  };
}

/** Between the role and the path there may be nothing, where a parameter says the folder of a socket. */
const WITHOUT_HOST = /^([a-z]+:\/\/[^/?#]*@)(?=[/?]|$)/;

function urlOf(text: string): URL {
  try {
    return new URL(text.replace(WITHOUT_HOST, '$1localhost'));
  } catch {
    throw malformed('it is no URL'); // the error that is dropped holds all of it
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw malformed('a "%" in it begins no encoded character');
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port > 0 && port < 65_536) return port;
  throw malformed('its port is none');
}

/** Unlike libpq, never in clear by accident: a server on another host is spoken to over TLS unless it says `disable`. */
function tlsModeOf(mode: string, host: string): TlsMode {
  switch (mode) {
    case 'disable':
    case 'require':
    case 'verify-ca':
    case 'verify-full':
      return mode;
    case '':
    case 'allow':
    case 'prefer':
      return isOnThisHost(host) ? 'disable' : 'require';
    default:
      throw malformed('its sslmode is none of disable, require, verify-ca, verify-full');
  }
}

function isOnThisHost(host: string): boolean {
  return host.startsWith('/') || host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function malformed(fact: string): RejectedError {
  return new RejectedError('data-source-malformed', `failed to read a data source name: ${fact}`, {
    hint: 'postgresql://role:password@host:5432/database?sslmode=verify-full, or sqlite:///absolute/path',
  });
}
