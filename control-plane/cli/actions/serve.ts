/** `keyturn serve`. What the command line says is checked before anything listens; what listens is stopped on every way out. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { RejectedError, TransientError } from '../../../shared/errors.ts';
import { UsageError } from '../../../shared/service/failure.ts';
import { assertInputFile } from '../../../shared/service/input-file.ts';
import { type Logger, serviceLog } from '../../../shared/service/service-log.ts';
import { untilToldToStop } from '../../../shared/service/until-stopped.ts';
import { POLICY_PATH } from '../../../shared/trust/policy.ts';
import { versionOf } from '../../../shared/trust/tuf-metadata.ts';
import { ReportService } from '../../report/report-service.ts';
import { folderSink } from '../../report/sinks/folder.ts';
import { gitSink } from '../../report/sinks/git.ts';
import { httpItemsSink } from '../../report/sinks/http-items.ts';
import type { ReportSink } from '../../report/sinks/sink.ts';
import { type ControlPlane, type ControlPlaneConfig, startControlPlane } from '../../service.ts';
import { parseAddress } from '../address.ts';
import { FIRST_PUBLICATION, Home } from '../home.ts';
import { outputOf } from '../output.ts';

export interface ServeOptions {
  readonly folder: string;
  readonly listen: string;
  readonly join: string;
  readonly name: readonly string[];
  readonly reports: string;
  readonly reportsGit?: string;
  readonly reportsHttp?: string;
  readonly reportsHttpCollection: string;
  readonly reportsHttpTokenFile?: string;
  readonly drillEvery?: number;
}

export async function serve(command: Command): Promise<void> {
  const given = command.optsWithGlobals();
  const folder = resolve(given.folder ?? new Home(given.home).controlPlane);
  const options: ServeOptions = {
    ...(given as ServeOptions),
    folder,
    reports: resolve(given.reports ?? join(folder, 'reports')),
  };
  await using service = await startService(options, serviceLog('control-plane'));
  const { addresses } = service.plane;
  outputOf(command).result({ ready: true, ...addresses, folder }, () => [
    `control plane ready: gateway and operators ${addresses.gateway}, join ${addresses.join}`,
    `reports go to ${options.reports}`,
  ]);
  await untilToldToStop();
}

export interface Service extends AsyncDisposable {
  readonly plane: ControlPlane;
}

/** Starts the control plane with its reports, and publishes what the ceremony signed if nothing is published yet. */
export async function startService(options: ServeOptions, log: Logger): Promise<Service> {
  const listen = { gateway: parseAddress(options.listen, '--listen'), join: parseAddress(options.join, '--join') };
  const sinks = sinksOf(options);
  let reports: ReportService | undefined;
  const plane = await startPlane({
    folder: options.folder,
    listen,
    serverNames: options.name,
    ...(options.drillEvery !== undefined && { drillEveryMs: options.drillEvery }),
    // A host may be quicker than the next line: what it settled is found by `resume`.
    onRunSettled: (runId) => reports?.note(runId),
    onError: (action, error) => logFailure(log, { action, error }),
  });
  const stop = async (): Promise<void> => {
    await plane.stop();
    await reports?.settled();
  };
  try {
    reports = new ReportService(plane, {
      sinks,
      onError: (runId, error) => log.error({ run: runId, err: error }, 'report failed'),
    });
    await publishFirst(plane, options.folder);
    await reports.resume();
    return { plane, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startPlane(config: ControlPlaneConfig): Promise<ControlPlane> {
  try {
    return await startControlPlane(config);
  } catch (error) {
    if (!(error instanceof TransientError) || error.hint !== undefined) throw error;
    throw new TransientError(error.message, {
      cause: error.cause,
      hint: 'does another control plane run there? name other addresses with --listen and --join',
    });
  }
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

function sinksOf(options: ServeOptions): ReportSink[] {
  const { reports, reportsGit, reportsHttp, reportsHttpCollection: collection, reportsHttpTokenFile } = options;
  if (reportsGit !== undefined) assertWorkingTree(resolve(reportsGit));
  const git =
    reportsGit !== undefined && gitSink({ repository: resolve(reportsGit), folder: 'reports', author: AUTHOR });
  if (reportsHttp === undefined) return [folderSink(reports), ...(git ? [git] : [])];
  if (!URL.canParse(reportsHttp) || !/^https?:$/.test(new URL(reportsHttp).protocol))
    throw new UsageError(`--reports-http "${reportsHttp}": expected a http or https URL`);
  if (reportsHttpTokenFile === undefined) throw new UsageError('--reports-http needs --reports-http-token-file');
  const tokenFile = resolve(reportsHttpTokenFile);
  assertInputFile(tokenFile, 'token file');
  const http = httpItemsSink({ url: reportsHttp, collection, tokenFile });
  return [folderSink(reports), ...(git ? [git] : []), http];
}

/** A report that has nowhere to go would be noticed after the first deployment. */
function assertWorkingTree(path: string): void {
  for (let folder = path; existsSync(path); folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return;
    if (folder === dirname(folder)) break;
  }
  throw new UsageError(`--reports-git "${path}": expected a git working tree`, `git init ${path}`);
}

const AUTHOR = { name: 'Keyturn', email: 'keyturn@localhost' };
