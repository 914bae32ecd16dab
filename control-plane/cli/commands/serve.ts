/** `keyturn serve`: the control plane in this process, until it is told to stop. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { UsageError } from '../../../shared/service/failure.ts';
import { type Logger, serviceLog } from '../../../shared/service/service-log.ts';
import { untilToldToStop } from '../../../shared/service/until-stopped.ts';
import { POLICY_PATH } from '../../../shared/trust/policy.ts';
import { versionOf } from '../../../shared/trust/tuf-metadata.ts';
import { ReportService } from '../../report/report-service.ts';
import { folderSink } from '../../report/sinks/folder.ts';
import { gitSink } from '../../report/sinks/git.ts';
import { httpItemsSink } from '../../report/sinks/http-items.ts';
import type { ReportSink } from '../../report/sinks/sink.ts';
import { type ControlPlane, startControlPlane } from '../../service.ts';
import { FIRST_PUBLICATION, Home } from '../home.ts';
import { outputOf } from '../output.ts';

interface ServeOptions {
  readonly folder: string;
  readonly listen: string;
  readonly join: string;
  readonly name: readonly string[];
  readonly reports: string;
  readonly reportsGit?: string;
  readonly reportsHttp?: string;
  readonly reportsHttpCollection: string;
  readonly reportsHttpTokenFile?: string;
}

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('run the control plane')
    .option('--folder <folder>', 'what the ceremony made for the control plane; <home>/control-plane unless said')
    .option('--listen <host:port>', 'for enrolled agents and operators (mTLS)', '127.0.0.1:7443')
    .option('--join <host:port>', 'for hosts that join (TLS)', '127.0.0.1:7444')
    .option('--name <name...>', 'DNS names and addresses for the server certificate', [])
    .option('--reports <folder>', 'where report documents go; <folder>/reports unless said')
    .option('--reports-git <repository>', 'commit reports into this git repository, too')
    .option('--reports-http <url>', 'send reports to this items API, too')
    .option('--reports-http-collection <name>', 'the collection there', 'reports')
    .option('--reports-http-token-file <file>', 'a file with the bearer token')
    .action(async (_options, command: Command) => serve(command));
}

async function serve(command: Command): Promise<void> {
  const given = command.optsWithGlobals();
  const folder = resolve(given.folder ?? new Home(given.home).controlPlane);
  const options = { ...given, folder, reports: resolve(given.reports ?? join(folder, 'reports')) } as ServeOptions;
  const log = serviceLog('control-plane');
  const plane = await startControlPlane({
    folder,
    listen: { gateway: parseListen(options.listen), join: parseListen(options.join) },
    serverNames: options.name,
    onRunSettled: (runId) => reports.note(runId),
    onError: (action, error) => logFailure(log, { action, error }),
  });
  const reports = new ReportService(plane, {
    sinks: sinksOf(options),
    onError: (runId, error) => log.error({ run: runId, err: error }, 'report failed'),
  });
  await publishFirst(plane, folder);
  await reports.resume();
  outputOf(command).result({ ready: true, ...plane.addresses, folder }, () => [
    `control plane ready: gateway and operators ${plane.addresses.gateway}, join ${plane.addresses.join}`,
    `reports go to ${options.reports}`,
  ]);
  await untilToldToStop();
  await plane.stop();
  await reports.settled();
}

/** The first publication is what the ceremony signed; once something is published the folder is not looked at again. */
async function publishFirst(plane: ControlPlane, folder: string): Promise<void> {
  const place = join(folder, FIRST_PUBLICATION);
  if ((await plane.isPublished()) || !existsSync(place)) return;
  const metadata = readdirSync(place)
    .filter((file) => file.endsWith('.json') && file !== POLICY_PATH)
    .map((file) => ({ file, content: readFileSync(join(place, file)) }));
  await plane.publish({
    metadata: metadata.map(({ file, content }) => ({ name: `${versionOf(content)}.${file}`, content })),
    targets: [{ name: POLICY_PATH, content: readFileSync(join(place, POLICY_PATH)) }],
  });
}

/** A refusal is the caller's doing: its code and reason are enough. Anything else is ours: with its stack. */
function logFailure(log: Logger, { action, error }: { action: string; error: unknown }): void {
  // Asking for the next root until there is none is how every client refreshes.
  if (error instanceof RejectedError && error.code === 'metadata-not-found')
    log.debug({ action, reason: error.message }, 'not there');
  else if (error instanceof RejectedError) log.warn({ action, code: error.code, reason: error.message }, 'refused');
  else if (error instanceof TransientError) log.warn({ action, reason: error.message }, 'failed for now');
  else log.error({ action, err: error }, 'failed');
}

function parseListen(text: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host !== '' && Number(port) < 65_536) return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
  throw new UsageError(`address "${text}": expected HOST:PORT, such as 127.0.0.1:7443`);
}

function sinksOf(options: ServeOptions): ReportSink[] {
  const { reports, reportsGit, reportsHttp, reportsHttpCollection, reportsHttpTokenFile } = options;
  const git =
    reportsGit !== undefined && gitSink({ repository: resolve(reportsGit), folder: 'reports', author: AUTHOR });
  if (reportsHttp !== undefined && reportsHttpTokenFile === undefined) {
    throw new UsageError('--reports-http needs --reports-http-token-file');
  }
  const http =
    reportsHttp !== undefined &&
    reportsHttpTokenFile !== undefined &&
    httpItemsSink({ url: reportsHttp, collection: reportsHttpCollection, tokenFile: resolve(reportsHttpTokenFile) });
  return [folderSink(reports), ...(git ? [git] : []), ...(http ? [http] : [])];
}

const AUTHOR = { name: 'Keyturn', email: 'keyturn@localhost' };
