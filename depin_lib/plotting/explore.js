function depinExplore(box) {
  const sliders = [...box.querySelectorAll("input[type=range]")];
  const frames = [...box.querySelectorAll(".depin-frame")];
  const update = () => {
    let index = 0;
    for (const slider of sliders) {
      const text = JSON.parse(slider.dataset.values)[slider.value];
      slider.setAttribute("aria-valuetext", text);
      slider.nextElementSibling.textContent = text;
      index = index * (Number(slider.max) + 1) + Number(slider.value);
    }
    frames.forEach((frame, i) => { frame.hidden = i !== index; });
    box.querySelector(".depin-reading").textContent = frames[index].dataset.reading;
  };
  sliders.forEach((slider) => slider.addEventListener("input", update));
}
