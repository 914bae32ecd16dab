import type { ChannelOptions } from '@grpc/grpc-js';

import { LIMITS } from '../limits.ts';
import { CONTROL_PLANE_NAME } from './credentials.ts';

const KEEPALIVE_MS = 30_000;
const KEEPALIVE_ANSWER_MS = 10_000;

/**
 * How much a receiver lets the sender have under way. At 20 ms round trip the default of 64 KiB moves 2 MB/s, 4 MiB
 * move 93 MB/s, 16 MiB 341 MB/s: the most important single setting for pushing artifacts.
 */
export const RECEIVE_WINDOW_BYTES = 8 * 1024 * 1024;

/** More streams on one connection than an agent or a command line ever has. */
const CONCURRENT_STREAM_COUNT = 64;

const SHARED_OPTIONS = {
  'grpc.max_receive_message_length': LIMITS.rpcMessageBytes,
  'grpc.max_send_message_length': LIMITS.rpcMessageBytes,
  // A peer that vanished without a word is noticed within forty seconds.
  'grpc.keepalive_time_ms': KEEPALIVE_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_ANSWER_MS,
  // Costs 5 % of the memory of a connection and nobody reads it.
  'grpc.enable_channelz': 0,
} as const satisfies ChannelOptions;

export const SERVER_OPTIONS = {
  ...SHARED_OPTIONS,
  'grpc.max_concurrent_streams': CONCURRENT_STREAM_COUNT,
} as const satisfies ChannelOptions;

/** For a door that anybody may knock at: what one connection can make it remember is little. */
export const OPEN_DOOR_OPTIONS: ChannelOptions = {
  ...SERVER_OPTIONS,
  'grpc.max_receive_message_length': LIMITS.enrolRequestBytes,
  'grpc.max_concurrent_streams': 4,
};

export const DIAL_OPTIONS: ChannelOptions = {
  ...SHARED_OPTIONS,
  'grpc-node.flow_control_window': RECEIVE_WINDOW_BYTES,
  'grpc.ssl_target_name_override': CONTROL_PLANE_NAME,
  // One dial is one connection: a new identity must not find its old connection in a shared pool.
  'grpc.use_local_subchannel_pool': 1,
  // The configuration says what is dialed; the environment does not.
  'grpc.enable_http_proxy': 0,
  // Whoever dials decides when to dial again.
  'grpc.enable_retries': 0,
};
