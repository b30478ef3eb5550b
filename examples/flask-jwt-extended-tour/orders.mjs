const maybe = (type) => ({ type, nullable: true })
const orderOf = (required, properties) => ({ type: 'object', required: [required], properties })

/** What `/mint` takes: `null` is as good as nothing, as `None` is to the original. */
export const mintOrder = orderOf('identity', {
  type: { enum: ['access', 'refresh', null] },
  fresh: maybe('boolean'),
  fresh_for: maybe('number'),
  expires_delta: { anyOf: [maybe('number'), { const: false }] },
  claims: maybe('object'),
  headers: maybe('object'),
})

/** What `/decode` takes. */
export const decodeOrder = orderOf('token', {
  token: { type: 'string' },
  csrf_value: maybe('string'),
  allow_expired: maybe('boolean'),
})
