const maybe = (type) => ({ type, nullable: true })

/** What `/mint` takes: `null` is as good as nothing, as `None` is to the original. */
export const mintOrder = {
  type: 'object',
  required: ['identity'],
  properties: {
    type: { enum: ['access', 'refresh', null] },
    fresh: maybe('boolean'),
    fresh_for: maybe('number'),
    expires_delta: { anyOf: [maybe('number'), { const: false }] },
    claims: maybe('object'),
    headers: maybe('object'),
  },
}

/** What `/decode` takes. */
export const decodeOrder = {
  type: 'object',
  required: ['token'],
  properties: { token: { type: 'string' }, csrf_value: maybe('string'), allow_expired: maybe('boolean') },
}
