from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai

if TYPE_CHECKING:
    from tests.support.model import RunningModel


def test_the_sdk_reads_its_answers_strictly(model: RunningModel) -> None:
    """Every field that the SDK promises is there and of its type, in both APIs."""
    outputs: list[dict[str, Any]] = [
        {"text": "Hi"},
        {"text": "No.", "outcome": "refused"},
        {"text": "Half", "outcome": "cut_off"},
        {"text": "x", "outcome": "failed"},
        {"tool_calls": [{"name": "hand_over", "arguments": {"reason": "x"}}]},
    ]
    with openai.OpenAI(
        api_key="sk-test", base_url=model.base_url, max_retries=0, _strict_response_validation=True
    ) as sdk:
        for output in outputs:
            model.script(output, output)
            response = sdk.responses.create(model="m", input=[{"role": "user", "content": "Hello"}])
            completion = sdk.chat.completions.create(
                model="m", messages=[{"role": "user", "content": "Hello"}]
            )
            if output.get("text") == "Hi":
                assert response.output_text == completion.choices[0].message.content == "Hi"
            assert response.usage is not None
            assert completion.usage is not None
