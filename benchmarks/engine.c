/* Source A's training loop in C: the limit that `train` is measured against.

   A network of `depth` hidden layers of `width` units (sigmoid or tanh) and one sigmoid output is
   trained with the mean cross-entropy and RMSprop. Recorded at every step: the loss, and mean and
   standard deviation of each kernel's gradient. As in `train`, all sizes are known only at run
   time. Arrays are (unit, example), so that the inner loops run over the batch and the compiler
   can turn them into vector instructions, exp, log and tanh included (-O3 -ffast-math). */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

enum { SIGMOID, TANH };

typedef struct {
    int fan_in, fan_out;
    float *kernel, *bias;                   /* (fan_out, fan_in) and (fan_out,), side by side */
    float *kernel_gradient, *bias_gradient; /* the same */
    float *below, *activation, *delta;      /* (fan_in or fan_out, batch) */
} Layer;

static void forward(const Layer *layer, int batch, int kind, float *restrict z)
{
    const int count = layer->fan_out * batch;
    for (int j = 0; j < layer->fan_out; j++) {
        float *restrict row = z + j * batch;
        for (int i = 0; i < batch; i++)
            row[i] = layer->bias[j];
        for (int k = 0; k < layer->fan_in; k++) {
            const float weight = layer->kernel[j * layer->fan_in + k];
            const float *restrict below = layer->below + k * batch;
            for (int i = 0; i < batch; i++)
                row[i] += weight * below[i];
        }
    }
    float *restrict activation = layer->activation;
    if (kind == TANH)
        for (int i = 0; i < count; i++)
            activation[i] = tanhf(z[i]);
    else
        for (int i = 0; i < count; i++)
            activation[i] = 1 / (1 + expf(-z[i]));
}

/* The mean loss; delta becomes the derivative of the mean loss with respect to the output's z. */
static float loss_and_delta(const Layer *output, int batch, const float *restrict z,
                            const float *restrict target)
{
    float *restrict delta = output->delta;
    float loss = 0;
    for (int i = 0; i < batch; i++) {
        loss += fmaxf(z[i], 0) + logf(1 + expf(-fabsf(z[i]))) - target[i] * z[i];
        delta[i] = (output->activation[i] - target[i]) / batch;
    }
    return loss / batch;
}

static void gradients_of(const Layer *layer, int batch)
{
    for (int j = 0; j < layer->fan_out; j++) {
        const float *restrict delta = layer->delta + j * batch;
        float sum = 0;
        for (int i = 0; i < batch; i++)
            sum += delta[i];
        layer->bias_gradient[j] = sum;
        for (int k = 0; k < layer->fan_in; k++) {
            const float *restrict below = layer->below + k * batch;
            float product = 0;
            for (int i = 0; i < batch; i++)
                product += delta[i] * below[i];
            layer->kernel_gradient[j * layer->fan_in + k] = product;
        }
    }
}

/* The delta of the layer below, from that of this one. */
static void backward(const Layer *layer, int batch, int kind, float *restrict delta_below)
{
    for (int k = 0; k < layer->fan_in; k++) {
        float *restrict row = delta_below + k * batch;
        const float *restrict a = layer->below + k * batch;
        for (int i = 0; i < batch; i++)
            row[i] = 0;
        for (int j = 0; j < layer->fan_out; j++) {
            const float weight = layer->kernel[j * layer->fan_in + k];
            const float *restrict delta = layer->delta + j * batch;
            for (int i = 0; i < batch; i++)
                row[i] += weight * delta[i];
        }
        if (kind == TANH)
            for (int i = 0; i < batch; i++)
                row[i] *= 1 - a[i] * a[i];
        else
            for (int i = 0; i < batch; i++)
                row[i] *= a[i] * (1 - a[i]);
    }
}

static void mean_and_std(const float *restrict values, int count, float *restrict out)
{
    float sum = 0, squares = 0;
    for (int i = 0; i < count; i++)
        sum += values[i];
    const float mean = sum / count;
    for (int i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    out[0] = mean;
    out[1] = sqrtf(squares / count);
}

static void rmsprop(int count, float rate, float rho, float epsilon,
                    const float *restrict gradient, float *restrict square,
                    float *restrict parameter)
{
    for (int i = 0; i < count; i++) {
        square[i] = rho * square[i] + (1 - rho) * gradient[i] * gradient[i];
        parameter[i] -= rate * gradient[i] / sqrtf(square[i] + epsilon);
    }
}

/* Says where each layer's numbers stand in the arrays; the inputs stand first in `signals`. */
static void lay_out(Layer *layers, int num_inputs, int depth, int width, int batch,
                    float *parameters, float *gradients, float *signals)
{
    float *below = signals;
    signals += num_inputs * batch;
    for (int l = 0; l <= depth; l++) {
        const int fan_in = l ? width : num_inputs;
        const int fan_out = l < depth ? width : 1;
        const int weights = fan_in * fan_out;
        layers[l].fan_in = fan_in;
        layers[l].fan_out = fan_out;
        layers[l].kernel = parameters;
        layers[l].bias = parameters + weights;
        layers[l].kernel_gradient = gradients;
        layers[l].bias_gradient = gradients + weights;
        layers[l].below = below;
        layers[l].activation = signals;
        layers[l].delta = signals + fan_out * batch;
        parameters += weights + fan_out;
        gradients += weights + fan_out;
        below = layers[l].activation;
        signals += 2 * fan_out * batch;
    }
}

/* x: (num_examples, num_inputs), y: (num_examples,), order: (steps, batch) of rows of x;
   parameters, changed in place: layer by layer the kernel, (fan_out, fan_in), then the bias;
   losses: (steps,), record: (steps, depth + 1, 2). Returns 0, or 1 if memory is short. */
int train(const float *x, const float *y, const int32_t *order, int steps, int batch,
          int num_inputs, int depth, int width, int kind, float rate, float rho, float epsilon,
          int num_parameters, float *parameters, float *losses, float *record)
{
    const size_t num_signals = (size_t)batch * (num_inputs + 2 * (depth * width + 1));
    Layer *layers = malloc((depth + 1) * sizeof *layers);
    float *gradients = calloc(num_parameters, sizeof *gradients);
    float *squares = calloc(num_parameters, sizeof *squares);
    float *signals = calloc(num_signals, sizeof *signals);
    float *z = malloc((size_t)width * batch * sizeof *z);
    float *target = malloc(batch * sizeof *target);
    const int failed = !layers || !gradients || !squares || !signals || !z || !target;
    if (!failed)
        lay_out(layers, num_inputs, depth, width, batch, parameters, gradients, signals);
    for (int step = 0; step < steps && !failed; step++, order += batch) {
        for (int i = 0; i < batch; i++) {
            target[i] = y[order[i]];
            for (int k = 0; k < num_inputs; k++)
                signals[k * batch + i] = x[order[i] * num_inputs + k];
        }
        for (int l = 0; l <= depth; l++)
            forward(layers + l, batch, l < depth ? kind : SIGMOID, z);
        losses[step] = loss_and_delta(layers + depth, batch, z, target);
        for (int l = depth; l >= 0; l--) {
            gradients_of(layers + l, batch);
            if (l)
                backward(layers + l, batch, kind, layers[l - 1].delta);
            mean_and_std(layers[l].kernel_gradient, layers[l].fan_in * layers[l].fan_out,
                         record + 2 * ((size_t)step * (depth + 1) + l));
        }
        rmsprop(num_parameters, rate, rho, epsilon, gradients, squares, parameters);
    }
    free(layers);
    free(gradients);
    free(squares);
    free(signals);
    free(z);
    free(target);
    return failed;
}
