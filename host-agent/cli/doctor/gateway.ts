/** The control plane's gateway as this host reaches it: TCP, TLS, and whether it takes this host's certificate. */
import { CONTROL_PLANE_NAME } from '../../../shared/rpc/credentials.ts';
import { probeTls, type TlsFailure } from '../../../shared/rpc/tls-probe.ts';
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import { instantText } from '../../../shared/service/doctor/remaining-life.ts';
import { hostFolders } from '../../host/host-config.ts';
import { IdentityStore } from '../../link/identity-store.ts';
import type { EnrolledContext } from './doctor-context.ts';

/** Less than an examination may take, so that it still has the time to say so. */
const PROBE_MS = 1_500;

export async function examineGateway({ config, stateDirectory }: EnrolledContext): Promise<Diagnosis[]> {
  const identity = new IdentityStore(hostFolders(stateDirectory).identity).loadTls();
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(config.gateway) ?? [];
  const answer = await probeTls({
    host: host.replace(/^\[(.*)\]$/, '$1'),
    port: Number(port),
    serverName: CONTROL_PLANE_NAME,
    identity,
    timeoutMs: PROBE_MS,
  });
  if (answer.kind === 'answered') {
    const until = instantText(answer.serverExpiresAt);
    return [
      { level: 'ok', statement: `${config.gateway}: the control plane of this host, its certificate until ${until}` },
    ];
  }
  const { text, mend } = FAILURES[answer.kind];
  const statement = `${config.gateway}: ${text} (${answer.reason})`;
  const mending = mend === 'token' ? `keyturn host token ${config.host}` : mend;
  return [{ level: 'trouble', statement, ...(mending === undefined ? {} : { mend: mending }) }];
}

/** What mends it is typed at the control plane, where it is `serve` or a new bundle for this host. */
const FAILURES: Readonly<Record<TlsFailure, { readonly text: string; readonly mend?: 'keyturn serve' | 'token' }>> = {
  'name-unknown': { text: 'no such host name' },
  refused: { text: 'the connection is refused, nobody listens there', mend: 'keyturn serve' },
  unreachable: { text: 'there is no way to it' },
  'no-connection': { text: 'nobody takes the connection, a firewall may drop it' },
  silent: { text: 'the connection is taken, and then nothing is said', mend: 'keyturn serve' },
  'no-tls': { text: 'somebody listens there who does not speak TLS' },
  'other-authority': { text: 'its certificate is of another authority than this host joined' },
  'server-expired': {
    text: 'its certificate has expired, and it issues itself a new one at every start',
    mend: 'keyturn serve',
  },
  'server-not-yet-valid': { text: 'its certificate is not valid yet: compare the clocks of both machines' },
  'other-server': { text: 'its certificate is of its authority, and not for a control plane' },
  'identity-refused': { text: "it ends the connection when it sees this host's certificate", mend: 'token' },
  failed: { text: 'no connection' },
};
