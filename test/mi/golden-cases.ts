/** Recorded requests, `mi/<name>.<door>.req`, whose answers depend on the engine and the doors alone. */
export const ENGINE_CASES: readonly string[] = [
  'which',
  'help_event_subscribe',
  'help_evi_subscribe',
  'help_noarg',
  'help_pos',
  'event_subscribe_pos',
  'event_subscribe_named_noexpire',
  'event_subscribe_strexpire',
  'event_subscribe_huge_expire',
  'event_subscribe_neg_expire',
  'event_subscribe_text_expire',
  'event_subscribe_unknown_named',
  'event_subscribe_unknown_event',
  'event_subscribe_bad_transport',
  'fs_subscribe',
  'get_statistics_one',
  'get_statistics_unknown',
  'lb_resize',
]

/** Recorded requests, `mi_proto/<name>.<door>.req`, that all doors answer alike. */
export const PROTOCOL_CASES: readonly string[] = ['id_string', 'id_null', 'id_float', 'params_string', 'whitespace']

/** What killed the recorded proxy, and what it is answered now. */
export const DEADLY: readonly (readonly [name: string, request: string, answer: string])[] = [
  ['an empty object', '{}', '{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}'],
  ['an empty array', '[]', '{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}'],
  [
    'a method that is no text',
    '{"jsonrpc":"2.0","method":5,"id":1}',
    '{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":1}',
  ],
  [
    'a batch',
    '[{"jsonrpc":"2.0","method":"ul_add","id":1},{"jsonrpc":"2.0","method":"ul_add"},{"jsonrpc":"2.0","method":"nope","id":2}]',
    '[{"jsonrpc":"2.0","result":"OK","id":1},{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":2}]',
  ],
]

/** A request that shows a door is still open, and its answer. */
export const PING = '{"jsonrpc":"2.0","method":"ul_add","id":99}'
export const PONG = '{"jsonrpc":"2.0","result":"OK","id":99}'
