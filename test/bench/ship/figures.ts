/** Every figure of `bench ship`, in the order in which they are shown. */
import type { Figure } from '../measure/figure.ts';
import type { Bench } from './bench.ts';
import { changedFilesBytes } from './figures/changed-files-bytes.ts';
import { changedFilesSeconds } from './figures/changed-files-seconds.ts';
import { deployOwnMs } from './figures/deploy-own-ms.ts';
import { deployVsAnsible } from './figures/deploy-vs-ansible.ts';
import { deployVsBash } from './figures/deploy-vs-bash.ts';
import { distant1GiBVsScp } from './figures/distant-1gib-vs-scp.ts';
import { distant100MiBVsScp } from './figures/distant-100mib-vs-scp.ts';
import { growthDeploy } from './figures/growth-deploy.ts';
import { growthStaging } from './figures/growth-staging.ts';
import { idlePrivateDirty } from './figures/idle-private-dirty.ts';
import { idleRss } from './figures/idle-rss.ts';
import { peakMemoryAgent } from './figures/peak-memory-agent.ts';
import { peakMemoryControlPlane } from './figures/peak-memory-control-plane.ts';
import { rssGrowth } from './figures/rss-growth.ts';
import { startLocal } from './figures/start-local.ts';
import { startRpc } from './figures/start-rpc.ts';
import { transfer1GiBVsBareStream } from './figures/transfer-1gib-vs-bare-stream.ts';
import { transfer1GiBVsCurl } from './figures/transfer-1gib-vs-curl.ts';
import { transfer1GiBVsScp } from './figures/transfer-1gib-vs-scp.ts';
import { transfer100MiBVsBareStream } from './figures/transfer-100mib-vs-bare-stream.ts';
import { transfer100MiBVsCurl } from './figures/transfer-100mib-vs-curl.ts';
import { transfer100MiBVsScp } from './figures/transfer-100mib-vs-scp.ts';

export const SHIP_FIGURES: readonly Figure<Bench>[] = [
  deployVsBash,
  deployVsAnsible,
  deployOwnMs,
  transfer100MiBVsScp,
  transfer1GiBVsScp,
  transfer100MiBVsCurl,
  transfer1GiBVsCurl,
  transfer100MiBVsBareStream,
  transfer1GiBVsBareStream,
  distant100MiBVsScp,
  distant1GiBVsScp,
  changedFilesBytes,
  changedFilesSeconds,
  peakMemoryAgent,
  peakMemoryControlPlane,
  idleRss,
  idlePrivateDirty,
  rssGrowth,
  startLocal,
  startRpc,
  growthStaging,
  growthDeploy,
];
