#include "oncue/core/story.hpp"

#include <limits>

namespace oncue::core {

namespace {

constexpr std::string_view built_in =
    R"(Once upon a time, on a mountain that no map agreed about, there lived a dragon named Ember who was tired of gold. Gold did not answer. Gold did not change. Every evening she counted the same coins and every evening the sum came out the same, and she thought that there must be something in the world that could surprise her.

One autumn a travelling tinker left a strange slate at the mouth of her cave. It had a small green light that blinked, and blinked, and seemed to wait. Ember breathed on it, carefully, the way one breathes on a soap bubble. Words appeared: HELLO, WORLD. She looked around, but there was nobody else on the mountain. The greeting was for her.

So Ember began to learn. Her claws were far too large for the keys, so she carved a stylus from a fallen pine and pressed the letters one at a time. Her first program counted coins. It was wrong by one. She checked it, and checked it again, and learned what every programmer learns sooner or later: that counting starts at nought, and that the machine is never angry, only exact.

Her second program was a loop, and it was the first thing she had ever met that was as stubborn as a dragon. It printed the word TREASURE for two days and two nights. She roared at it. She sat on it. She flew round the mountain three times and came back, and it was still printing. "How does one stop you?" she asked, and for the first time in four hundred years she felt that she had asked a good question.

The owl who lived in the dead larch had opinions about this. "You have told it how to begin," said the owl, "and never how to end. That is how winters happen." Ember wrote the word down. END. Then she wrote, in her big slow letters, a condition, and the loop looked at the condition, and stopped. The silence was wonderful. Snow slid from the larch. Somewhere below, a village dog barked once and reconsidered.

News travels down a mountain faster than up it. In spring a girl called Wren climbed all the way to the cave with a broken weather vane under her arm and a notebook full of questions. She was not afraid, because the notebook took up all the room where being afraid would have been. "They say you can make a machine do what you mean," she said. "Mine only does what I say." Ember laughed, and a little smoke came out, and the two of them sat down side by side in front of the green light.

They built a program that watched the clouds. It asked the wind for its speed and the moss for its dampness, and each answer came back in its own good time. Some answers never came at all, for the moss was often asleep. So they taught the program patience, and then, because patience without measure is only another kind of loop, they taught it how long to wait, and what to say when the waiting was over. "I do not know," the program learned to say, "but I have stopped asking." Wren thought it was the most honest thing a machine had ever told her.

By summer the village trusted the forecast. By autumn they trusted the dragon. They brought her apples, and puzzles, and once a goat that had swallowed a key, and Ember solved what she could and wrote down what she could not. She taught the miller to sort his sacks and the baker to divide by three. She taught the children that an error is not a scolding but a letter from the future, asking to be read before it is too late.

And when the snow came back and the village slept, Ember would sit at the mouth of the cave with the slate on her knees, writing a program that nobody had asked for. It drew one star for every question she had ever been asked. It was never finished. But at any moment, whenever she wished, she could lift her claw from the key, and it would stop at once, and everything that it had drawn so far would still be there in the morning.)";

}  // namespace

story::story(const scripted_spec& spec)
    : text_{spec.text.empty() ? built_in : std::string_view{spec.text}},
      tokens_max_{spec.tokens == 0 ? std::numeric_limits<std::uint32_t>::max() : spec.tokens} {}

std::string_view story::next() {
  if (told_ >= tokens_max_) return {};
  if (at_ >= text_.size()) {
    // A caller who wants more words than there are gets the text again.
    if (tokens_max_ == std::numeric_limits<std::uint32_t>::max() || text_.empty()) return {};
    at_ = 0;
  }
  auto end = text_.find(' ', at_);
  end = end == std::string_view::npos ? text_.size() : end + 1;
  auto word = text_.substr(at_, end - at_);
  at_ = end;
  ++told_;
  return word;
}

}  // namespace oncue::core
