"""Every way to change one field of a protobuf message."""

from google.protobuf.descriptor import FieldDescriptor as Field


# Of a receipt: told by the gateway and signed by nobody (receipt.proto).
NOT_PROVED = ("witnesses",)


def changed(message, skip=()):
    """Yields (path, copy with exactly this field changed), for set and unset fields and elements alike."""
    for steps, change in _changes(message, (), skip):
        copy = type(message)()
        copy.CopyFrom(message)
        change(_walk(copy, steps))
        yield ".".join(map(str, (*steps, change.__name__))), copy


def _changes(message, steps, skip):
    for field in message.DESCRIPTOR.fields:
        if field.name not in skip:
            within = _list_changes if field.is_repeated else _single_changes
            yield from within(message, field, steps)


def _single_changes(message, field, steps):
    def change(target, name=field.name):
        if field.type != Field.TYPE_MESSAGE:
            setattr(target, name, _other(field, getattr(target, name)))
        elif target.HasField(name):
            target.ClearField(name)
        else:
            getattr(target, name).SetInParent()

    yield steps, _named(change, field.name)
    if field.type == Field.TYPE_MESSAGE and message.HasField(field.name):
        yield from _changes(getattr(message, field.name), (*steps, field.name), ())


def _list_changes(message, field, steps):
    def more(target, name=field.name):
        elements = getattr(target, name)
        elements.add() if field.type == Field.TYPE_MESSAGE else elements.append(_other(field, _zero(field)))

    yield steps, _named(more, f"{field.name}[+]")
    for index, element in enumerate(getattr(message, field.name)):
        yield steps, _named(lambda target, at=index: getattr(target, field.name).pop(at), f"{field.name}[-{index}]")
        if field.type == Field.TYPE_MESSAGE:
            yield from _changes(element, (*steps, field.name, index), ())
        else:
            yield steps, _named(lambda target, at=index: _replace(target, field, at), f"{field.name}[{index}]")


def _replace(target, field, at):
    elements = getattr(target, field.name)
    elements[at] = _other(field, elements[at])


def _other(field, value):
    """A value of the field's type that differs in as little as possible."""
    match value:
        case bool():
            return not value
        case int():
            return value - 1 if value else 1
        case bytes():
            return bytes([value[0] ^ 1]) + value[1:] if value else b"\x00"
        case str():
            return value[:-1] if value else "x"
    raise TypeError(f"the contract has no fields of type {field.type}")


def _zero(field):
    return {Field.TYPE_STRING: "", Field.TYPE_BYTES: b""}.get(field.type, 0)


def _named(change, name):
    change.__name__ = name
    return change


def _walk(message, steps):
    for step in steps:
        message = message[step] if isinstance(step, int) else getattr(message, step)
    return message
