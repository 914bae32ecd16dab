/**
 * Knocks at a listener of the control plane with a client certificate and tells how far that came: TCP, TLS with the server's
 * identity, the server's answer to ours. For people who look for the reason; whoever wants an answer dials with gRPC.
 */
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { messageOf, systemCodeOf } from '../errors.ts';

export interface TlsProbe {
  readonly host: string;
  readonly port: number;
  /** What the server's certificate must be issued for. */
  readonly serverName: string;
  /** All in PEM. */
  readonly identity: { readonly caCertificate: string; readonly certificate: string; readonly privateKey: string };
  /** Milliseconds for all of it. */
  readonly timeoutMs: number;
}

/** How far a probe came. */
export type TlsAnswer =
  /** The server is whom we trust, and has begun to speak HTTP/2 with us. */
  | { readonly kind: 'answered'; readonly serverExpiresAt: number }
  | { readonly kind: TlsFailure; readonly reason: string };

export type TlsFailure =
  | 'name-unknown'
  | 'refused'
  | 'unreachable'
  /** Nobody took the connection. */
  | 'no-connection'
  /** Somebody did and then said nothing. */
  | 'silent'
  | 'no-tls'
  | 'other-authority'
  | 'server-expired'
  | 'server-not-yet-valid'
  | 'other-server'
  /** The server ended the connection after it had seen our certificate. */
  | 'identity-refused'
  | 'failed';

/** Never rejects. */
export async function probeTls(probe: TlsProbe): Promise<TlsAnswer> {
  try {
    return await knock(probe);
  } catch (error) {
    // Of our own side: a certificate that cannot be read, a key that is another's, a port that is none.
    return { kind: 'failed', reason: messageOf(error) };
  }
}

function knock({ host, port, serverName, identity, timeoutMs }: TlsProbe): Promise<TlsAnswer> {
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port,
      servername: isIP(serverName) ? '' : serverName,
      ca: identity.caCertificate,
      cert: identity.certificate,
      key: identity.privateKey,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['h2'],
    });
    let isConnected = false;
    let isSecure = false;
    const end = (answer: TlsAnswer): void => {
      clearTimeout(timer);
      // What a socket that is being closed still says is of no interest.
      socket.removeAllListeners('error').on('error', () => undefined);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(
      () => end({ kind: isConnected ? 'silent' : 'no-connection', reason: `no answer within ${timeoutMs} ms` }),
      timeoutMs,
    );
    socket.once('connect', () => {
      isConnected = true;
    });
    socket.once('secureConnect', () => {
      isSecure = true;
    });
    // TLS 1.3 ends on our side before the server has judged our certificate; its first bytes come after that.
    socket.once('data', () => end({ kind: 'answered', serverExpiresAt: expiryOf(socket) }));
    socket.once('error', (error) => end({ kind: failureOf(error, { isSecure }), reason: error.message }));
    socket.once('close', () =>
      end({ kind: isSecure ? 'identity-refused' : 'no-tls', reason: 'the connection was closed' }),
    );
  });
}

function expiryOf(socket: TLSSocket): number {
  return Date.parse(socket.getPeerCertificate().valid_to);
}

/** By the codes of Node and OpenSSL; what is not listed is told as it is. */
const FAILURES: readonly (readonly [RegExp, TlsFailure])[] = [
  [/^(ENOTFOUND|EAI_)/, 'name-unknown'],
  [/^ECONNREFUSED$/, 'refused'],
  [/^(EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL)$/, 'unreachable'],
  [/^ETIMEDOUT$/, 'no-connection'],
  [/^CERT_HAS_EXPIRED$/, 'server-expired'],
  [/^CERT_NOT_YET_VALID$/, 'server-not-yet-valid'],
  [/^(ERR_TLS_CERT_ALTNAME_INVALID|INVALID_PURPOSE)$/, 'other-server'],
  [/SELF_SIGNED|^UNABLE_TO_|^CERT_(SIGNATURE_FAILURE|UNTRUSTED|REJECTED)|^INVALID_CA/, 'other-authority'],
  [/ALERT/, 'identity-refused'],
  [/^(EPROTO|ERR_SSL_)/, 'no-tls'],
];

function failureOf(error: Error, { isSecure }: { isSecure: boolean }): TlsFailure {
  const code = systemCodeOf(error) ?? '';
  const known = FAILURES.find(([pattern]) => pattern.test(code))?.[1];
  // Once it is encrypted, whoever cuts the connection does so because of who we are.
  return known ?? (code === 'ECONNRESET' ? (isSecure ? 'identity-refused' : 'no-tls') : 'failed');
}
